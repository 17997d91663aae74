/** Parses and validates the configuration in environment variables and flags. */
import { z } from 'zod';
import { DEFAULT_ANSWER_TOKENS, MIN_ANSWER_TOKENS } from './mcp/response-budget.js';
import type { Selection } from './mcp/visibility.js';
import {
  API_KEY,
  CCCODE,
  CHANNEL_CODE,
  type Headers,
  LOGICAL_GUID,
  ORGCODE,
  SESSION,
  splitNames,
} from './pipeline/headers.js';

/** Maps environment variables to the request headers that they replace on stdio. */
export const HEADER_BY_VARIABLE: { readonly [variable: string]: string } = {
  G3N_ORGCODE: ORGCODE,
  G3N_SESSION_GUID: SESSION,
  G3N_API_KEY: API_KEY,
  G3N_LOGICAL_GUID: LOGICAL_GUID,
  G3N_CHANNEL_CODE: CHANNEL_CODE,
  G3N_CCCODE: CCCODE,
};

const environmentSchema = z.object({
  G3N_DB: z.string().min(1).optional(),
  G3N_KEY_FILE: z.string().min(1).optional(),
  G3N_GROUPS: z.string().min(1).optional(),
  G3N_DEFAULT_REGION: z
    .string()
    .regex(/^[A-Z]{2}$/, 'must be a two-letter country code')
    .default('US'),
  G3N_UNIQUE_CUSTOMER_FIELDS: z
    .string()
    .default('email')
    .transform((text) => text.split(',').filter((field) => field !== '' && field !== 'none'))
    .pipe(z.array(z.enum(['email', 'phone']))),
  G3N_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
});

const names = z.string().transform(splitNames).optional();
const booleanText = z
  .enum(['true', '1', 'false', '0', ''], 'must be true or false')
  .default('false')
  .transform((text) => text === 'true' || text === '1');

const agentSchema = z.object({
  G3N_TOOLSETS: names,
  G3N_TOOLS: names,
  G3N_EXCLUDE: names,
  G3N_READ_ONLY: booleanText,
  G3N_LEAN: booleanText,
  G3N_MAX_ANSWER_TOKENS: z.coerce.number().int().min(MIN_ANSWER_TOKENS).default(DEFAULT_ANSWER_TOKENS),
});

export interface Environment {
  /** A database file, or the URL of a PostgreSQL database, which is secret: it can hold a password. */
  readonly db: string | undefined;
  readonly keyFile: string | undefined;
  /** The file with the URLs of the other groups of databases. */
  readonly groups: string | undefined;
  readonly defaultRegion: string;
  readonly uniqueCustomerFields: readonly ('email' | 'phone')[];
  readonly logLevel: string;
}

/** An error in the configuration. The message is shown to the operator without a stack. */
export class ConfigError extends Error {}

/** What agents see, as configured in the environment. */
export interface AgentEnvironment {
  readonly selection: Selection;
  readonly readOnly: boolean;
  readonly lean: boolean;
  readonly answerTokens: number;
}

/** Flags that replace a variable. */
export interface DatabaseFlags {
  readonly db?: string;
  readonly keyFile?: string;
  readonly groups?: string;
}

/** A flag that is given wins. @throws ConfigError that names every invalid variable, but never its value. */
export function readEnvironment(env: NodeJS.ProcessEnv, flags: DatabaseFlags = {}): Environment {
  const data = parse(environmentSchema, env);
  return {
    db: flags.db ?? data.G3N_DB,
    keyFile: flags.keyFile ?? data.G3N_KEY_FILE,
    groups: flags.groups ?? data.G3N_GROUPS,
    defaultRegion: data.G3N_DEFAULT_REGION,
    uniqueCustomerFields: data.G3N_UNIQUE_CUSTOMER_FIELDS,
    logLevel: data.G3N_LOG_LEVEL,
  };
}

/** @throws ConfigError that names every invalid variable, but never its value. */
export function readAgentEnvironment(env: NodeJS.ProcessEnv): AgentEnvironment {
  const { G3N_TOOLSETS: toolsets, G3N_TOOLS: tools, G3N_EXCLUDE: exclude, ...data } = parse(agentSchema, env);
  return {
    selection: { ...(toolsets && { toolsets }), ...(tools && { tools }), ...(exclude && { exclude }) },
    readOnly: data.G3N_READ_ONLY,
    lean: data.G3N_LEAN,
    answerTokens: data.G3N_MAX_ANSWER_TOKENS,
  };
}

function parse<Output>(schema: z.ZodType<Output>, env: NodeJS.ProcessEnv): Output {
  const parsed = schema.safeParse(env);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new ConfigError(`the environment is not valid: ${lines.join('; ')}`);
}

/** Builds the request headers of a stdio connection from the environment. */
export function headersFromEnvironment(env: NodeJS.ProcessEnv): Headers {
  const pairs = Object.entries(HEADER_BY_VARIABLE).map(([variable, name]) => [name, env[variable]]);
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined));
}

/** @throws ConfigError when `text` is not a TCP port. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new ConfigError(`--port ${text} is not a port`);
  return port;
}
