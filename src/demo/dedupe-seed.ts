/** The six people of org DEMO who signed up twice, and how their second signup differs from the first. */
import type { Input } from '../contract/backend.js';

/** Maps the index of a second signup to the first one, and to the fields that were entered differently. */
const SECOND_SIGNUPS: {
  readonly [index: number]: { readonly first: number; readonly changes: (known: Known) => Input };
} = {
  37: { first: 12, changes: ({ email }) => ({ email: email.replace('@', '+shop@') }) },
  61: { first: 22, changes: ({ given_name, family_name }) => ({ given_name: family_name, family_name: given_name }) },
  84: { first: 41, changes: ({ family_name }) => ({ family_name: doubled(family_name), addresses: [] }) },
  109: { first: 58, changes: ({ given_name }) => ({ given_name: doubled(given_name) }) },
  142: { first: 70, changes: () => ({ addresses: [], birth_date: null }) },
  173: {
    first: 96,
    changes: ({ caption }) => ({ caption: caption.toUpperCase(), given_name: null, family_name: null }),
  },
};

interface Known {
  readonly caption: string;
  readonly given_name: string;
  readonly family_name: string;
  readonly email: string;
}

/** The number of duplicate pairs in the demo data. */
export const SIGNED_UP_TWICE = Object.keys(SECOND_SIGNUPS).length;

/**
 * Returns the customer fields of the signup at `index`. A second signup has the first one's fields with its changes; it
 * leaves out the email address unless it is spelt differently, because no two customers may share one.
 */
export function signupAt(index: number, person: (index: number) => Input): Input {
  const fresh = person(index);
  const second = SECOND_SIGNUPS[index];
  if (second === undefined) return fresh;
  const known = person(second.first);
  const { email, ...rest } = { ...known, ...second.changes(known as unknown as Known) } as Record<string, unknown>;
  const own = { external_refs: fresh.external_refs, tags: fresh.tags };
  const fields = { ...rest, ...(email === known.email ? {} : { email }), ...own };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}

function doubled(name: string): string {
  return name.slice(0, 2) + name.slice(1);
}
