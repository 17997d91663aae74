/** A call that ends in an error, and what a script makes of its next steps. */
import type { Application } from '../../../src/mcp/server.js';
import type { Headers } from '../../../src/pipeline/headers.js';
import type { Told, ToolCall } from '../told.js';
import type { Data, World } from '../world.js';

export interface Scene {
  readonly world: World;
  /** Moves the clock of the world. */
  pass(milliseconds: number): void;
  /** Calls a tool that must succeed, as the owner of ACME. */
  act(tool: string, args: object): Promise<Data>;
  /** Creates a customer with these fields and returns its id. */
  customer(fields?: object): Promise<string>;
}

/** The failing call; by default by the owner of ACME, on the world's own application. */
export interface FailingCall extends ToolCall {
  readonly headers?: Headers;
  readonly application?: Application;
}

export interface ErrorCase {
  readonly code: string;
  /** Which of several cases of the code. */
  readonly which?: string;
  readonly call: (scene: Scene) => Promise<FailingCall>;
  /** Follows the next steps to a call that works. Absent: they end with the person whom the atlas names. */
  readonly follow?: (told: Told, scene: Scene) => Promise<unknown>;
  /** Only over the three tools of lean mode. */
  readonly lean?: true;
}

export const reason = 'made for a test';
/** A well-formed id of no record. */
export const NO_RECORD = '01a20000-0000-7000-8000-000000000000';
