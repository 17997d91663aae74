/** Changes config.yaml and credentials.yaml, and keeps the comments that are in them. Loaded only for that. */
import { existsSync, mkdirSync, realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Document, parseDocument, type Tags } from 'yaml';
import { replaceFile } from '../../database-file/replaced-file.js';
import { ConfigFileError, parseYaml, textOfFile } from '../../settings/yaml-file.js';
import { CliError } from '../cli-error.js';
import { configPath, credentialsPath, MAX_DEPTH, type Profile } from './profile-files.js';
import { checkedConfig, checkedCredentials, requireProfileName } from './profile-schema.js';

const OWNER_ONLY = 0o600;
const OWNER_ONLY_DIRECTORY = 0o700;
const PERMISSIONS = 0o777;

/** @throws CliError when config.yaml cannot have such a profile */
export async function requireProfile(name: string, profile: Profile): Promise<void> {
  try {
    requireProfileName(name);
    checkedConfig({ profiles: { [name]: profile } });
  } catch (error) {
    throw new CliError((error as Error).message);
  }
}

/** @throws CliError when the result is not valid, or the file cannot be replaced; then it is as it was */
export async function editConfig(env: NodeJS.ProcessEnv, edit: (document: Document) => void): Promise<void> {
  await editFile(configPath(env), edit, checkedConfig, (mode) => mode ?? OWNER_ONLY);
}

/** @throws CliError when the result is not valid, or the file cannot be replaced; then it is as it was */
export async function editCredentials(env: NodeJS.ProcessEnv, edit: (document: Document) => void): Promise<void> {
  await editFile(credentialsPath(env), edit, checkedCredentials, () => OWNER_ONLY);
}

async function editFile(
  path: string,
  edit: (document: Document) => void,
  check: (value: unknown) => unknown,
  modeFrom: (mode: number | undefined) => number,
): Promise<void> {
  try {
    const before = textOfFile(path);
    const after = await editedText(path, before ?? '', edit, check);
    mkdirSync(dirname(path), { recursive: true, mode: OWNER_ONLY_DIRECTORY });
    const place = existsSync(path) ? realpathSync(path) : path; // a link stays a link
    const mode = statSync(place, { throwIfNoEntry: false })?.mode;
    replaceFile(place, after, modeFrom(mode === undefined ? undefined : mode & PERMISSIONS), () => {
      if (textOfFile(path) !== before) throw new CliError(`${path} has changed meanwhile: try again`);
    });
  } catch (error) {
    if (error instanceof CliError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code !== undefined) throw new CliError(`${path} cannot be written: ${code}`);
    throw error instanceof ConfigFileError ? new CliError(error.message) : error;
  }
}

/** The new text. What it says is read as every later run will read it. */
async function editedText(
  path: string,
  before: string,
  edit: (document: Document) => void,
  check: (value: unknown) => unknown,
): Promise<string> {
  const document = parseDocument(before, { customTags: withoutNumbers });
  edit(document as Document);
  const text = document.toString({ lineWidth: 0 });
  const value = await parseYaml(path, text, MAX_DEPTH);
  try {
    check(value);
  } catch (error) {
    throw new CliError(`${path} would not be valid: ${(error as Error).message}`);
  }
  if (!isDeepStrictEqual(value, document.toJS() ?? {}))
    throw new CliError(`${path} cannot be changed: edit it by hand`);
  return text;
}

/** A code such as 0012 stays what is written, as `parseYaml` reads it. */
function withoutNumbers(tags: Tags): Tags {
  return tags.filter((tag) => typeof tag === 'string' || !/:(int|float)$/.test(tag.tag));
}

/** Removes what is at a path; nothing if there is nothing. */
export function removeAt(document: Document, path: readonly string[]): void {
  if (document.hasIn(path)) document.deleteIn(path);
}
