/** Elicitation: the confirmation form for the client's user, and how the user's reply is read. */
import {
  type ClientCapabilities,
  type InputRequiredResult,
  inputRequired,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { Input } from '../contract/backend.js';
import type { Envelope } from '../contract/envelope.js';
import type { Operation } from '../contract/operation.js';
import { capabilitiesOf } from './client-capabilities.js';
import { CONFIRM_TOKEN, CONFIRMATION_REQUIRED, type ConfirmationReply } from './confirmation.js';
import { describePreview, type ShownPreview } from './preview.js';

/** A question returned instead of a tool result; the client repeats the request with its user's reply. */
export type Question = InputRequiredResult;

/** One tool call of a client that can ask its user. */
export interface ElicitationDialogue {
  /** The user's reply, when the client repeats the request with it. */
  readonly reply: ConfirmationReply | undefined;
  /** The question to return instead of the result; undefined when the result does not require confirmation. */
  question(operation: Operation, args: object, envelope: Envelope): Question | undefined;
}

const CONFIRM = 'confirm';
const FORM = {
  type: 'object' as const,
  properties: { [CONFIRM]: { type: 'boolean' as const, title: 'Do it', description: 'Off: nothing is done' } },
  required: [CONFIRM],
};

/** The dialogue of a request; undefined when its client cannot ask its user. */
export function openDialogue(
  context: Pick<ServerContext, 'mcpReq'>,
  declared: ClientCapabilities | undefined,
): ElicitationDialogue | undefined {
  if (!canAsk(capabilitiesOf(context, declared))) return undefined;
  const { mcpReq } = context;
  const token = mcpReq.requestState<string>();
  const response = mcpReq.inputResponses?.[CONFIRM];
  return {
    reply: token === undefined || response === undefined ? undefined : { token, agreed: isYes(response) },
    question,
  };
}

/** Whether a client with these capabilities shows forms. `elicitation: {}` predates the distinction of modes. */
export function canAsk(capabilities: { readonly elicitation?: unknown } | undefined): boolean {
  const elicitation = capabilities?.elicitation;
  if (typeof elicitation !== 'object' || elicitation === null) return false;
  return 'form' in elicitation || Object.keys(elicitation).length === 0;
}

function question(operation: Operation, args: object, envelope: Envelope): Question | undefined {
  if (envelope.success || envelope.error.error_code !== CONFIRMATION_REQUIRED) return undefined;
  const { preview, confirm_token } = envelope.error.details as { preview: ShownPreview; confirm_token: string };
  const { [CONFIRM_TOKEN]: _, ...input } = args as Input;
  const message = describePreview(operation, input, preview);
  const form = inputRequired.elicit({ message, requestedSchema: FORM });
  return inputRequired({ inputRequests: { [CONFIRM]: form }, requestState: confirm_token });
}

function isYes(response: unknown): boolean {
  const { action, content } = response as { action?: unknown; content?: { [CONFIRM]?: unknown } };
  return action === 'accept' && content?.[CONFIRM] === true;
}
