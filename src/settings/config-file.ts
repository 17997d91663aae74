/** Reads the configuration file: YAML or JSON, with settings by their names. */
import { readFileSync } from 'node:fs';
import { nearestName } from '../nearest-name.js';
import { SETTINGS, type SettingName, settingOf } from './setting-table.js';

const MAX_BYTES = 1024 * 1024;

/** A mistake in the file. The message names the setting, and never its value. */
export class ConfigFileError extends Error {}

/** The settings that a file can have: all but the one that names it. */
export const FILE_SETTINGS = (Object.keys(SETTINGS) as SettingName[]).filter((name) => name !== 'config');

/**
 * Reads a file. Returns the settings in it as the texts that a variable would have.
 * @throws ConfigFileError when it cannot be read, has a setting that there is not, or one with an invalid value.
 */
export async function readConfigFile(path: string): Promise<{ readonly [Name in SettingName]?: string }> {
  const { schemaOfFile } = await import('./config-file-schema.js');
  const parsed = schemaOfFile().safeParse(await parseYaml(path));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map(unknownSetting).join('; ')
      : `${issue.path.join('.') || 'the file'}: ${issue.message}`,
  );
  throw new ConfigFileError(`${path} is not valid: ${problems.join('; ')}`);
}

async function parseYaml(path: string): Promise<unknown> {
  const text = read(path);
  if (text.split('\n').every(isEmptyLine)) return {}; // which the parser refuses
  const { load, CORE_SCHEMA } = await import('js-yaml');
  try {
    return load(text, { schema: CORE_SCHEMA, maxDepth: 4 });
  } catch (error) {
    // The message of the parser quotes the line, which can have a secret.
    const { reason, mark } = error as { readonly reason?: string; readonly mark?: { readonly line: number } };
    const line = mark === undefined ? '' : ` at line ${mark.line + 1}`;
    throw new ConfigFileError(`${path} is not YAML${line}${reason === undefined ? '' : `: ${reason}`}`);
  }
}

function isEmptyLine(line: string): boolean {
  return line.trim() === '' || line.trimStart().startsWith('#');
}

function read(path: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigFileError(
      code === 'ENOENT' ? `there is no configuration file ${path}` : `${path} cannot be read: ${code}`,
    );
  }
  if (bytes.length > MAX_BYTES) throw new ConfigFileError(`${path} has more than ${MAX_BYTES} bytes`);
  return bytes.toString('utf8');
}

function unknownSetting(key: string): string {
  const near = nearestName(key, FILE_SETTINGS);
  return `there is no setting ${key}${near === undefined ? '' : `: did you mean ${near}?`}`;
}

/** The text that a variable would have for a value of the file. */
export function textOfValue(name: SettingName, value: FileValue): string {
  const text = Array.isArray(value) ? value.join(',') : String(value);
  const isSwitch = settingOf(name).preset !== undefined && typeof value === 'boolean';
  if (!isSwitch) settingOf(name).parse(text);
  return text;
}

export type FileValue = string | number | boolean | readonly (string | number)[];
