/** Reads the configuration file: YAML or JSON, with settings by their names. */
import { nearestName } from '../nearest-name.js';
import { SETTINGS, type SettingName, settingOf } from './setting-table.js';
import { ConfigFileError, readYamlFile } from './yaml-file.js';

const MAX_DEPTH = 4;

/** The settings that a file can have: all but the one that names it. */
export const FILE_SETTINGS = (Object.keys(SETTINGS) as SettingName[]).filter((name) => name !== 'config');

/**
 * Reads a file. Returns the settings in it as the texts that a variable would have.
 * @throws ConfigFileError when it cannot be read, has a setting that there is not, or one with an invalid value.
 */
export async function readConfigFile(path: string): Promise<{ readonly [Name in SettingName]?: string }> {
  const { schemaOfFile } = await import('./config-file-schema.js');
  const parsed = schemaOfFile().safeParse(await readFile(path));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map(unknownSetting).join('; ')
      : `${issue.path.join('.') || 'the file'}: ${issue.message}`,
  );
  throw new ConfigFileError(`${path} is not valid: ${problems.join('; ')}`);
}

async function readFile(path: string): Promise<unknown> {
  const found = await readYamlFile(path, MAX_DEPTH);
  if (found === undefined) throw new ConfigFileError(`there is no configuration file ${path}`);
  return found;
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

export type FileValue = string | boolean | readonly string[];
