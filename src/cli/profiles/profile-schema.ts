/** The schemas of config.yaml and credentials.yaml. Loaded only if there is such a file. */
import * as z from 'zod/mini';
import { baseUrlProblem } from '../../contract/base-url.js';
import { nearestName } from '../../nearest-name.js';
import { showsPassword } from '../../store/postgres/connection-url.js';
import { type ConfigText, type CredentialsText, PROFILE_FIELDS, type Profile } from './profile-files.js';

const MAX_PROFILES = 1000;
const MAX_WORDS = 100;
const MAX_CHARACTERS = 4096;
/** Also what a shell takes as one word. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const CONTROL = /\p{Cc}/u;

const NO_TEXT = 'must be a text: put it in quotes';

/** The name of a profile. */
const name = z.string().check(z.regex(NAME, 'must be at most 64 letters, digits and . _ -, with no . _ - in front'));
const text = z.string(NO_TEXT).check(
  z.minLength(1, 'is empty'),
  z.maxLength(MAX_CHARACTERS, 'is too long'),
  z.refine((value) => !CONTROL.test(value), 'has a control character'),
);
const database = text.check(
  z.refine((value) => !showsPassword(value), 'has a password: use PGPASSWORD, ~/.pgpass or G3N_DB'),
);
const url = text.check(
  z.superRefine((value, context) => {
    const problem = URL.canParse(value) ? baseUrlProblem(new URL(value)) : 'is not a URL';
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  }),
);

const FIELDS = {
  base_url: z.optional(url),
  orgcode: z.optional(text),
  logical_guid: z.optional(text),
  channel_code: z.optional(text),
  cccode: z.optional(text),
  db: z.optional(database),
  key_file: z.optional(text),
  credential_command: z.optional(
    z.array(text, 'must be a list: the program and its arguments').check(z.minLength(1), z.maxLength(MAX_WORDS)),
  ),
  credential_kind: z.optional(z.enum(['api_key', 'session_guid'], 'must be api_key or session_guid')),
} satisfies { readonly [Field in keyof Required<Profile>]: unknown };

const profile = z.strictObject(FIELDS, 'must be fields by their names').check(
  z.refine(({ base_url, db }) => base_url === undefined || db === undefined, 'has base_url and db: choose one'),
  z.refine(({ key_file, db }) => key_file === undefined || db !== undefined, 'has key_file without db'),
);
const credential = z
  .strictObject(
    { api_key: z.optional(text), session_guid: z.optional(text), for: z.optional(text) },
    'must be api_key or session_guid',
  )
  .check(
    z.refine(
      ({ api_key, session_guid }) => (api_key === undefined) !== (session_guid === undefined),
      'must have either api_key or session_guid',
    ),
  );

const CONFIG = z.strictObject(
  { current: z.optional(name), profiles: z.optional(byName(profile)) },
  'must be current and profiles',
);
const CREDENTIALS = z.strictObject({ profiles: z.optional(byName(credential)) }, 'must be profiles');

function byName<Schema extends z.core.$ZodType>(schema: Schema) {
  return z
    .record(name, schema, 'must be profiles by their names')
    .check(z.refine((all) => Object.keys(all).length <= MAX_PROFILES, `has more than ${MAX_PROFILES} profiles`));
}

/** What the text of config.yaml says. @throws Error that names the fields that are wrong, and never their values */
export function checkedConfig(value: unknown): ConfigText {
  return checked(CONFIG, value, unknownField);
}

/** What the text of credentials.yaml says. @throws Error that names the fields that are wrong, never their values */
export function checkedCredentials(value: unknown): CredentialsText {
  // An unknown field can be a secret in the wrong place.
  return checked(CREDENTIALS, value, (path) => `${path.slice(0, -1).join('.') || 'the file'}: has an unknown field`);
}

/** @throws Error that says what the name of a profile must be */
export function requireProfileName(value: string): void {
  const { error } = name.safeParse(value);
  if (error !== undefined) throw new Error(`the name of a profile ${error.issues[0]?.message}`);
}

function checked<Value>(schema: z.ZodMiniType<Value>, value: unknown, unknown: UnknownField): Value {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  throw new Error(error.issues.flatMap((issue) => problemsOf(issue, unknown)).join('; '));
}

type UnknownField = (path: readonly string[]) => string;

function problemsOf(issue: z.core.$ZodIssue, unknown: UnknownField): readonly string[] {
  const place = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknown([...place, key]));
  if (issue.code === 'invalid_key') return [`the name of a profile ${issue.issues[0]?.message}`];
  return [`${place.length === 0 ? 'the file' : place.join('.')}: ${issue.message}`];
}

function unknownField(path: readonly string[]): string {
  const near = nearestName(path.at(-1) ?? '', path.length === 1 ? ['current', 'profiles'] : PROFILE_FIELDS);
  return `there is no field ${path.join('.')}${near === undefined ? '' : `: did you mean ${near}?`}`;
}
