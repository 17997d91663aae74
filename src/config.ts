/** Reads the environment variables that the settings table defines. */
import { API_KEY, CCCODE, CHANNEL_CODE, type Headers, LOGICAL_GUID, ORGCODE, SESSION } from './pipeline/headers.js';
import { SERVER_KEY_VARIABLE, takeKeyFromEnvironment } from './secrets/key-file.js';
import { givenText, variableOf } from './settings/setting.js';
import { SETTINGS, type SettingName, type SettingValue, settingOf } from './settings/setting-table.js';

/** Maps environment variables to the request headers that they replace on stdio. */
export const HEADER_BY_VARIABLE: { readonly [variable: string]: string } = {
  [variableOf('orgcode')]: ORGCODE,
  [variableOf('session-guid')]: SESSION,
  [variableOf('api-key')]: API_KEY,
  [variableOf('logical-guid')]: LOGICAL_GUID,
  [variableOf('channel-code')]: CHANNEL_CODE,
  [variableOf('cccode')]: CCCODE,
};

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

/** Flags that replace a variable. */
export interface DatabaseFlags {
  readonly db?: string;
  readonly keyFile?: string;
  readonly groups?: string;
}

/** The settings that `readEnvironment` reads. */
export const ENVIRONMENT_SETTINGS = [
  'db',
  'key-file',
  'groups',
  'default-region',
  'unique-customer-fields',
  'log-level',
  'log-format',
  'color',
] as const satisfies readonly SettingName[];

/** A flag that is given wins. @throws ConfigError that names every invalid variable, but never its value. */
export function readEnvironment(env: NodeJS.ProcessEnv, flags: DatabaseFlags = {}): Environment {
  const values = readVariables(env, ENVIRONMENT_SETTINGS);
  const inVariable = takeKeyFromEnvironment(env);
  const named = flags.keyFile ?? values['key-file'];
  if (inVariable !== undefined && named !== undefined)
    throw new ConfigError(
      `the server key is in ${SERVER_KEY_VARIABLE} and in a file: give --key-file (G3N_KEY_FILE) or the variable`,
    );
  return {
    db: flags.db ?? values.db,
    keyFile: named ?? inVariable,
    groups: flags.groups ?? values.groups,
    defaultRegion: values['default-region'],
    uniqueCustomerFields: values['unique-customer-fields'],
    logLevel: values['log-level'],
  };
}

/**
 * The values of settings that have a variable or a default.
 * @throws ConfigError that names every invalid variable, but never its value.
 */
export function readVariables<Name extends SettingName>(
  env: NodeJS.ProcessEnv,
  names: readonly Name[],
): { readonly [Each in Name]: SettingValue<Each> | MissingValue<Each> } {
  const problems: string[] = [];
  const values = names.map((name) => {
    const { parse, default: standard } = settingOf(name);
    const text = givenText(settingOf(name), env[variableOf(name)]);
    try {
      return [name, text === undefined ? standard : parse(text)];
    } catch (error) {
      problems.push(`${variableOf(name)}: ${(error as Error).message}`);
      return [name, undefined];
    }
  });
  if (problems.length > 0) throw new ConfigError(`the environment is not valid: ${problems.join('; ')}`);
  return Object.fromEntries(values);
}

type MissingValue<Name extends SettingName> = (typeof SETTINGS)[Name] extends { default: unknown } ? never : undefined;

/** Reads every setting of any command. @throws ConfigError that names every invalid variable, but never its value. */
export function checkVariables(env: NodeJS.ProcessEnv): void {
  readVariables(env, Object.keys(SETTINGS) as SettingName[]);
}

/** Builds the request headers of a stdio connection from the environment. */
export function headersFromEnvironment(env: NodeJS.ProcessEnv): Headers {
  const pairs = Object.entries(HEADER_BY_VARIABLE).map(([variable, name]) => [name, env[variable]]);
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined));
}
