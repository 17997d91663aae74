/** Describes the environment variables, for README, registries and bundles. src/config.ts reads them. */

export interface Variable {
  readonly name: string;
  readonly description: string;
  /** The value when the variable is not set. */
  readonly default?: string;
  readonly isRequired?: true;
  readonly isSecret?: true;
  readonly choices?: readonly string[];
}

const YES_OR_NO = { default: 'false', choices: ['true', 'false'] } as const;

/** The caller and the operating context. Over HTTP these are headers. */
export const CALLER_VARIABLES: readonly Variable[] = [
  { name: 'G3N_ORGCODE', description: 'Org code', isRequired: true },
  { name: 'G3N_API_KEY', description: 'API key of the org; this or G3N_SESSION_GUID', isSecret: true },
  { name: 'G3N_SESSION_GUID', description: 'Session of a user; takes precedence over a key', isSecret: true },
  { name: 'G3N_LOGICAL_GUID', description: 'Facility, required for loyalty and gift card actions' },
  { name: 'G3N_CHANNEL_CODE', description: 'Sales channel, required for loyalty and gift card actions' },
  { name: 'G3N_CCCODE', description: 'Cost code, XXXX-XXXX-XXXX' },
];

/** What agents see and how the program runs. */
export const PROGRAM_VARIABLES: readonly Variable[] = [
  { name: 'G3N_TOOLSETS', description: 'Only the tools of these families, for example loyalty,giftcard' },
  { name: 'G3N_TOOLS', description: 'Only these tools; with G3N_TOOLSETS, these in addition' },
  { name: 'G3N_EXCLUDE', description: 'All tools except these' },
  { name: 'G3N_READ_ONLY', description: 'Reject every write', ...YES_OR_NO },
  { name: 'G3N_LEAN', description: 'Three tools that find, describe and call all others', ...YES_OR_NO },
  { name: 'G3N_MAX_ANSWER_TOKENS', description: 'Maximum tokens per tool result', default: '25000' },
  { name: 'G3N_DB', description: 'Database: a file or a postgres:// URL', isSecret: true },
  { name: 'G3N_KEY_FILE', description: 'Server key file; by default the database file with .key appended' },
  { name: 'G3N_GROUPS', description: 'JSON file with the URLs of the other groups of PostgreSQL databases' },
  { name: 'G3N_DEFAULT_REGION', description: 'Country of phone numbers without a country code', default: 'US' },
  {
    name: 'G3N_UNIQUE_CUSTOMER_FIELDS',
    description: 'Customer fields that must be unique: email, phone, email,phone or none',
    default: 'email',
  },
  {
    name: 'G3N_LOG_LEVEL',
    description: 'Log level; logs go to stderr',
    default: 'info',
    choices: ['debug', 'info', 'warn', 'error', 'silent'],
  },
];
