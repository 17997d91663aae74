/** A tool used as a model uses it, without a door: what it reads, and what a program would read. */
import { type Application, createCallTool } from '../../src/mcp/server.js';
import { type Headers, parseHeaders } from '../../src/pipeline/headers.js';
import { unmark } from './marks.js';
import type { Data } from './world.js';

export interface Use {
  readonly isError: boolean;
  /** The text as it came. */
  readonly text: string;
  /** The text, parsed, without marks: the envelope's visible part, or the error. */
  readonly answer: Data;
  readonly structured: Data;
}

/** Undefined when there is no such tool. */
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

/** The same of a tool that must be there. */
export async function used(application: Application, name: string, args: object, headers: Headers): Promise<Use> {
  const use = await useTool(application, name, args, headers);
  if (use === undefined) throw new Error(`no tool ${name}`);
  return use;
}
