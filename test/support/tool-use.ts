/** Calls a tool without a transport. Returns the text that a model reads and the structured content. */
import { type Application, createCallTool } from '../../src/mcp/server.js';
import { type Headers, parseHeaders } from '../../src/pipeline/headers.js';
import { unmark } from './marks.js';
import type { Data } from './world.js';

export interface Use {
  readonly isError: boolean;
  /** The unchanged text. */
  readonly text: string;
  /** The parsed text without boundary markers: the visible part of the envelope, or the error. */
  readonly answer: Data;
  readonly structured: Data;
}

/** Calls a tool. Returns undefined if there is no such tool. */
export async function useTool(
  application: Application,
  name: string,
  args: object,
  headers: Headers,
): Promise<Use | undefined> {
  const result = await createCallTool(application)(name, args, parseHeaders(headers));
  if (result === undefined) return undefined;
  const { text } = result.content[0] as { readonly text: string };
  const { answer } = unmark(text);
  return { isError: result.isError === true, text, answer, structured: result.structuredContent };
}

/** Calls a tool that must exist. */
export async function used(application: Application, name: string, args: object, headers: Headers): Promise<Use> {
  const use = await useTool(application, name, args, headers);
  if (use === undefined) throw new Error(`no tool ${name}`);
  return use;
}
