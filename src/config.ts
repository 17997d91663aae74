/** argv and environment → configuration, validated once. Not: what is done with it. */
import { z } from 'zod';
import { API_KEY, CCCODE, CHANNEL_CODE, type Headers, LOGICAL_GUID, ORGCODE, SESSION } from './tools/headers.js';

/** Environment variable → header it stands for on stdio. */
export const HEADER_BY_VARIABLE: { readonly [variable: string]: string } = {
  G3N_ORGCODE: ORGCODE,
  G3N_SESSION_GUID: SESSION,
  G3N_API_KEY: API_KEY,
  G3N_LOGICAL_GUID: LOGICAL_GUID,
  G3N_CHANNEL_CODE: CHANNEL_CODE,
  G3N_CCCODE: CCCODE,
};

const environmentSchema = z.object({
  G3N_KEY_FILE: z.string().min(1).optional(),
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

export interface Environment {
  readonly keyFile: string | undefined;
  readonly defaultRegion: string;
  readonly uniqueCustomerFields: readonly ('email' | 'phone')[];
  readonly logLevel: string;
}

/** A mistake of whoever started the program; its message is all they need. */
export class ConfigError extends Error {}

/** @throws ConfigError naming every variable that is wrong, never its value. */
export function readEnvironment(env: NodeJS.ProcessEnv): Environment {
  const parsed = environmentSchema.safeParse(env);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw new ConfigError(`the environment is not valid: ${lines.join('; ')}`);
  }
  return {
    keyFile: parsed.data.G3N_KEY_FILE,
    defaultRegion: parsed.data.G3N_DEFAULT_REGION,
    uniqueCustomerFields: parsed.data.G3N_UNIQUE_CUSTOMER_FIELDS,
    logLevel: parsed.data.G3N_LOG_LEVEL,
  };
}

/** The headers a stdio connection stands for. */
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
