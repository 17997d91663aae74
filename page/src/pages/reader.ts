/** Reads records through the tools of the connected server, within the caller's roles. */
import { callTool } from '../call.js';
import type { Entry, Toolbox } from '../catalogue.js';
import type { KnownIds } from '../known-ids.js';
import { type Endpoint, RequestError } from '../mcp.js';
import type { Outcome } from '../outcome.js';
import type { Customer } from '../views/records.js';

/** Why a record cannot be shown, in a sentence. */
export class NotReadable extends Error {
  constructor(
    message: string,
    /** Whether another attempt may succeed. */
    readonly canRetry: boolean,
    readonly status?: number,
  ) {
    super(message);
  }
}

/** A part of a list. */
export interface Items<Item> {
  readonly items: readonly Item[];
  readonly next_token: string | null;
}

export interface Reader {
  /** Whether the caller has a tool. */
  has(tool: string): boolean;
  /** The data of a read. @throws NotReadable */
  read<Data>(tool: string, args: object): Promise<Data>;
}

export interface ReaderContext {
  readonly toolbox: Toolbox;
  readonly known: KnownIds;
  endpoint(): Endpoint | undefined;
}

/** A reader that gives up when `signal` is aborted. */
export function createReader({ toolbox, known, endpoint }: ReaderContext, signal?: AbortSignal): Reader {
  return {
    has: (tool) => isOffered(toolbox.find(tool)),
    read: async <Data>(tool: string, args: object) => {
      const [entry, target] = [toolbox.find(tool), endpoint()];
      if (target === undefined) throw new NotReadable('Connect first.', false);
      if (entry === undefined) throw new NotReadable(`This server does not offer ${tool}.`, false);
      if (!isOffered(entry)) throw new NotReadable(withheldText(entry), false, 403);
      const outcome = await attempt(() => callTool(target, entry, args, signal));
      if (outcome.kind !== 'success') throw problemOf(outcome);
      known.learn(outcome.value);
      return (outcome.value as { readonly data: Data }).data;
    },
  };
}

function isOffered(entry: Entry | undefined): boolean {
  return entry !== undefined && entry.listed !== false;
}

async function attempt(call: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof RequestError) throw new NotReadable(error.message, true);
    throw error;
  }
}

function withheldText({ name, roles = [] }: Entry): string {
  return roles.length === 0
    ? `This server does not offer you ${name}.`
    : `The server does not offer you this. Roles that may see it: owner, ${roles.join(', ')}.`;
}

function problemOf({ headline, message, httpStatus, requiredRoles }: Outcome): NotReadable {
  if (httpStatus === 403) {
    const needed = requiredRoles.length === 0 ? '' : ` It needs one of: owner, ${requiredRoles.join(', ')}.`;
    return new NotReadable(`Your roles do not show this.${needed}`, false, 403);
  }
  const text = message === undefined || message === '' ? headline : `${message} (${headline})`;
  return new NotReadable(text, httpStatus !== 404, httpStatus);
}

/** Reads a list page by page, up to `mostPages`. The last page comes too, for what stands beside its items. */
export async function readPages<Page extends Items<unknown>>(
  reader: Reader,
  tool: string,
  args: object,
  mostPages: number,
): Promise<{ readonly items: Page['items']; readonly complete: boolean; readonly first: Page }> {
  const first = await reader.read<Page>(tool, args);
  const items = [...first.items];
  let token = first.next_token;
  for (let pages = 1; token !== null && pages < mostPages; pages += 1) {
    const page: Page = await reader.read<Page>(tool, { ...args, next_token: token });
    items.push(...page.items);
    token = page.next_token;
  }
  return { items, complete: token === null, first };
}

/** Calls `load` once for all who ask; after a failure the next one asks again. */
export function shared<Data>(load: () => Promise<Data>): () => Promise<Data> {
  let running: Promise<Data> | undefined;
  return () => {
    running ??= load().catch((error: unknown) => {
      running = undefined;
      throw error;
    });
    return running;
  };
}

/** The customers with these ids. One that cannot be read is left out, and the view shows its id instead. */
export async function readCustomers(ids: readonly string[], reader: Reader): Promise<ReadonlyMap<string, Customer>> {
  const read = (customer_id: string) => reader.read<Customer>('crm_customer_get', { customer_id });
  const customers = await Promise.allSettled([...new Set(ids)].map(read));
  return new Map(
    customers.flatMap((each) => (each.status === 'fulfilled' ? [[each.value.customer_id, each.value]] : [])),
  );
}
