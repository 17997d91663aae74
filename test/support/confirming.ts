/** Calls the tools of a world that requires confirmation, as a client without elicitation does. */
import type { Backend } from '../../src/contract/backend.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { type ConfirmMode, withConfirmation } from '../../src/mcp/confirmation.js';
import { type Application, createCallTool } from '../../src/mcp/server.js';
import { type Headers, parseHeaders } from '../../src/pipeline/headers.js';
import { unmark } from './marks.js';
import type { Data, World } from './world.js';

export interface ConfirmingWorld {
  readonly application: Application;
  /** The text of a result. */
  read(tool: string, args: object, headers?: Headers): Promise<string>;
  /** The parsed text of a result, as a model reads it. */
  parsed(tool: string, args: object, headers?: Headers): Promise<Data>;
  /** The error details of a call that must require confirmation. */
  confirmationRequired(tool: string, args: object, headers?: Headers): Promise<Data>;
  /** The data of a call that must require confirmation, and succeed when confirmed. */
  confirmed(tool: string, args: object, headers?: Headers): Promise<Data>;
}

/** A world's application that requires confirmation, like another process with the same keys. */
export function openConfirming(world: World, mode: ConfirmMode, backend?: Backend): ConfirmingWorld {
  const { pipeline } = world.application;
  const plain = { ...world.application, pipeline: { ...pipeline, backend: backend ?? pipeline.backend } };
  const application = withConfirmation(plain, { mode, keys: world.store.keys, operations: CONTRACT.operations });
  const callTool = createCallTool(application);
  const read: ConfirmingWorld['read'] = async (tool, args, headers) => {
    const result = await callTool(tool, args, parseHeaders(headers ?? (await world.headers())));
    const [block] = result?.content ?? [];
    return String((block as { text?: unknown } | undefined)?.text);
  };
  const parsed: ConfirmingWorld['parsed'] = async (...of) => unmark(await read(...of)).answer;
  const confirmationRequired: ConfirmingWorld['confirmationRequired'] = async (tool, args, headers) => {
    const answer = await parsed(tool, args, headers);
    if (answer.error_code !== 'crm.confirmation_required') throw new Error(`${tool}: ${JSON.stringify(answer)}`);
    return answer.details;
  };
  return {
    application,
    read,
    parsed,
    confirmationRequired,
    async confirmed(tool, args, headers) {
      const { confirm_token } = await confirmationRequired(tool, args, headers);
      const answer = await parsed(tool, { ...args, confirm_token }, headers);
      if (answer.success !== true) throw new Error(`${tool}: ${JSON.stringify(answer)}`);
      return answer.data;
    },
  };
}
