/** Reads records through the host, where the host allows it. Only reads: no other tool can be named here. */
import { button } from '../dom.js';
import type { Arguments, Host } from './host.js';
import { readResult, type Shown } from './results.js';

const TOOL_OF = { customer: 'crm_customer_get', ledger: 'crm_loyalty_ledger_list' } as const;
type Subject = keyof typeof TOOL_OF;
type Read<Kind extends Subject> = Extract<Shown, { readonly kind: Kind }>;

export const NOT_ALLOWED = 'This host does not let the app read more. Ask the assistant for it.';

export interface Reader {
  /** Whether the host passes calls on. */
  readonly isAllowed: boolean;
  /** The host through which records are read. */
  use(host: Host): void;
  /** Reads a record; undefined when that fails, which the reader says. */
  read<Kind extends Subject>(subject: Kind, args: Arguments): Promise<Read<Kind> | undefined>;
  /** A button that is replaced by what it loads. None where the host passes no calls on. */
  button(label: string, load: () => Promise<readonly Node[] | undefined>): readonly Node[];
}

/** `say` shows what the reader waits for, or what went wrong. */
export function createReader(say: (text: string) => void): Reader {
  let host: Host | undefined;
  const call = async (subject: Subject, args: Arguments): Promise<Shown> => {
    if (host?.passesCalls !== true) return { kind: 'error', text: NOT_ALLOWED };
    try {
      return readResult(await host.call(TOOL_OF[subject], args));
    } catch (error) {
      return { kind: 'error', text: `The host rejected the call: ${(error as Error).message}` };
    }
  };
  return {
    get isAllowed() {
      return host?.passesCalls === true;
    },
    use: (connected) => {
      host = connected;
    },
    read: async <Kind extends Subject>(subject: Kind, args: Arguments) => {
      say('Reading …');
      const shown = await call(subject, args);
      const isRead = shown.kind === subject;
      say(isRead ? '' : shown.kind === 'error' ? shown.text : 'The answer cannot be shown.');
      return isRead ? (shown as Read<Kind>) : undefined;
    },
    button: (label, load) => {
      if (host?.passesCalls !== true) return [];
      const node = button(label, async () => {
        node.disabled = true;
        const loaded = await load();
        if (loaded === undefined) node.disabled = false;
        else node.replaceWith(...loaded);
      });
      return [node];
    },
  };
}
