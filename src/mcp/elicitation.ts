/** Asks the person behind a client, where the client can: the form, and what was answered to it. Not: what for. */
import {
  CLIENT_CAPABILITIES_META_KEY,
  type ClientCapabilities,
  type InputRequiredResult,
  inputRequired,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { Input } from '../contract/backend.js';
import type { Envelope } from '../contract/envelope.js';
import type { Operation } from '../contract/operation.js';
import { CONFIRM_TOKEN, CONFIRMATION_REQUIRED, type ConfirmationReply } from './confirmation.js';
import { describePreview, type ShownPreview } from './preview.js';

/** What goes out in place of an answer; the client comes back with what its user said. */
export type Question = InputRequiredResult;

/** One tool call of a client whose user can be asked. */
export interface ElicitationDialogue {
  /** What the user said, when the client comes back with it. */
  readonly reply: ConfirmationReply | undefined;
  /** The question to ask in place of an answer; undefined when the answer asks for no confirmation. */
  question(operation: Operation, args: object, envelope: Envelope): Question | undefined;
}

const CONFIRM = 'confirm';
const FORM = {
  type: 'object' as const,
  properties: { [CONFIRM]: { type: 'boolean' as const, title: 'Do it', description: 'Off: nothing is done' } },
  required: [CONFIRM],
};

/**
 * The dialogue of a request; undefined when its client cannot ask anybody. A stateless request says itself what its
 * client can do; of older ones the connection knows (`declared`).
 */
export function openDialogue(
  { mcpReq }: Pick<ServerContext, 'mcpReq'>,
  declared: ClientCapabilities | undefined,
): ElicitationDialogue | undefined {
  const claims = mcpReq.envelope as { readonly [key: string]: ClientCapabilities } | undefined;
  if (!canAsk(claims?.[CLIENT_CAPABILITIES_META_KEY] ?? declared)) return undefined;
  const token = mcpReq.requestState<string>();
  const answer = mcpReq.inputResponses?.[CONFIRM];
  return {
    reply: token === undefined || answer === undefined ? undefined : { token, agreed: isYes(answer) },
    question,
  };
}

/** Whether a client that declared these capabilities shows forms; `elicitation: {}` is from before there were kinds. */
export function canAsk(capabilities: { readonly elicitation?: unknown } | undefined): boolean {
  const elicitation = capabilities?.elicitation;
  if (typeof elicitation !== 'object' || elicitation === null) return false;
  return 'form' in elicitation || Object.keys(elicitation).length === 0;
}

function question(operation: Operation, args: object, envelope: Envelope): Question | undefined {
  if (envelope.success || envelope.error.error_code !== CONFIRMATION_REQUIRED) return undefined;
  const { preview, confirm_token } = envelope.error.details as { preview: ShownPreview; confirm_token: string };
  const { [CONFIRM_TOKEN]: _, ...asked } = args as Input;
  const message = describePreview(operation, asked, preview);
  const form = inputRequired.elicit({ message, requestedSchema: FORM });
  return inputRequired({ inputRequests: { [CONFIRM]: form }, requestState: confirm_token });
}

function isYes(answer: unknown): boolean {
  const { action, content } = answer as { action?: unknown; content?: { [CONFIRM]?: unknown } };
  return action === 'accept' && content?.[CONFIRM] === true;
}
