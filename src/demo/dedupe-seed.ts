/** Six people of org DEMO who signed up twice: what the second clerk wrote down. Not: who they are. */
import type { Input } from '../contract/backend.js';

/** The second signup → the first, and what became of it at the other till. */
const AGAIN: { readonly [index: number]: { readonly first: number; readonly written: (known: Known) => Input } } = {
  37: { first: 12, written: ({ email }) => ({ email: email.replace('@', '+shop@') }) },
  61: { first: 22, written: ({ given_name, family_name }) => ({ given_name: family_name, family_name: given_name }) },
  84: { first: 41, written: ({ family_name }) => ({ family_name: doubled(family_name), addresses: [] }) },
  109: { first: 58, written: ({ given_name }) => ({ given_name: doubled(given_name) }) },
  142: { first: 70, written: () => ({ addresses: [], birth_date: null }) },
  173: {
    first: 96,
    written: ({ caption }) => ({ caption: caption.toUpperCase(), given_name: null, family_name: null }),
  },
};

interface Known {
  readonly caption: string;
  readonly given_name: string;
  readonly family_name: string;
  readonly email: string;
}

/** How many pairs there are to find. */
export const SIGNED_UP_TWICE = Object.keys(AGAIN).length;

/**
 * Whoever stands at `index`, unless it is one of the six: then the first signup's person, as written again. The first
 * has the mailbox, unless it was spelt in another way.
 */
export function signupAt(index: number, person: (index: number) => Input): Input {
  const fresh = person(index);
  const again = AGAIN[index];
  if (again === undefined) return fresh;
  const known = person(again.first);
  const { email, ...rest } = { ...known, ...again.written(known as unknown as Known) } as Record<string, unknown>;
  const own = { external_refs: fresh.external_refs, tags: fresh.tags };
  const fields = { ...rest, ...(email === known.email ? {} : { email }), ...own };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

function doubled(name: string): string {
  return name.slice(0, 2) + name.slice(1);
}
