/** What a model is to the runner: it is sent a conversation and answers with text and tool calls. */

export interface ModelTool {
  readonly name: string;
  readonly description?: string | undefined;
  readonly inputSchema: object;
}

export interface ModelCall {
  readonly id: string;
  readonly name: string;
  /** Undefined when the model wrote no JSON object. */
  readonly args: { readonly [name: string]: unknown } | undefined;
}

export type Turn =
  | { readonly from: 'user'; readonly text: string }
  | { readonly from: 'model'; readonly text: string; readonly calls: readonly ModelCall[] }
  | {
      readonly from: 'tools';
      readonly results: readonly { readonly id: string; readonly text: string; readonly isError: boolean }[];
    };

export interface Usage {
  readonly input: number;
  readonly output: number;
}

export interface Reply {
  readonly text: string;
  readonly calls: readonly ModelCall[];
  readonly usage: Usage;
}

export interface Conversation {
  readonly system: string;
  readonly tools: readonly ModelTool[];
  readonly turns: readonly Turn[];
}

/** Sends a conversation. @throws ModelError, also when the signal aborts */
export type SendToModel = (conversation: Conversation, signal: AbortSignal) => Promise<Reply>;

/** The endpoint did not answer as it should; the message has no key. */
export class ModelError extends Error {}

/** The JSON object in a text; undefined when it is none. */
export function objectIn(text: string): { readonly [name: string]: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text === '' ? '{}' : text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
