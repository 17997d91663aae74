/** The environment of the program in words, for registries and bundles. Not: how it is read, which is src/config.ts. */

export interface Variable {
  readonly name: string;
  readonly description: string;
  /** Its value when nobody says. */
  readonly default?: string;
  readonly isRequired?: true;
  readonly isSecret?: true;
  readonly choices?: readonly string[];
}

const YES_OR_NO = { default: 'false', choices: ['true', 'false'] } as const;

/** Who calls, and where: over HTTP these are headers. */
export const CALLER_VARIABLES: readonly Variable[] = [
  { name: 'G3N_ORGCODE', description: 'The org that is worked in', isRequired: true },
  { name: 'G3N_API_KEY', description: 'An API key of the org; this or G3N_SESSION_GUID', isSecret: true },
  { name: 'G3N_SESSION_GUID', description: "A user's session; it counts more than a key", isSecret: true },
  { name: 'G3N_LOGICAL_GUID', description: 'The facility, which points and gift cards need' },
  { name: 'G3N_CHANNEL_CODE', description: 'The sales channel, which points and gift cards need' },
  { name: 'G3N_CCCODE', description: 'A cost code, XXXX-XXXX-XXXX' },
];

/** What agents see, and how the program runs. */
export const PROGRAM_VARIABLES: readonly Variable[] = [
  { name: 'G3N_TOOLSETS', description: 'Only tools of these families, such as loyalty,giftcard' },
  { name: 'G3N_TOOLS', description: 'Only these tools; with G3N_TOOLSETS, these too' },
  { name: 'G3N_EXCLUDE', description: 'All but these tools' },
  { name: 'G3N_READ_ONLY', description: 'Nothing is written', ...YES_OR_NO },
  { name: 'G3N_LEAN', description: 'Three tools that find, describe and call all others', ...YES_OR_NO },
  { name: 'G3N_MAX_ANSWER_TOKENS', description: 'No answer is longer', default: '25000' },
  { name: 'G3N_KEY_FILE', description: 'The server key; by default the database file with .key behind it' },
  { name: 'G3N_DEFAULT_REGION', description: 'Country of phone numbers that name none', default: 'US' },
  {
    name: 'G3N_UNIQUE_CUSTOMER_FIELDS',
    description: 'What no two customers may share: email, phone, email,phone or none',
    default: 'email',
  },
  {
    name: 'G3N_LOG_LEVEL',
    description: 'How much is logged to stderr',
    default: 'info',
    choices: ['debug', 'info', 'warn', 'error', 'silent'],
  },
];
