/** Reads a YAML or JSON file that a person writes. No message quotes a line of it: it can have a secret. */
import { readFileSync } from 'node:fs';

const MAX_BYTES = 1024 * 1024;

/** A mistake in the file. The message names the setting, and never its value. */
export class ConfigFileError extends Error {}

/**
 * What is in a file; undefined if there is no file.
 * @throws ConfigFileError when it cannot be read, or is not YAML.
 */
export async function readYamlFile(path: string, maxDepth: number): Promise<unknown> {
  const text = textOfFile(path);
  return text === undefined ? undefined : parseYaml(path, text, maxDepth);
}

/** What a text says, which is or will be in a file. @throws ConfigFileError when it is not YAML. */
export async function parseYaml(path: string, text: string, maxDepth: number): Promise<unknown> {
  if (text.split('\n').every(isEmptyLine)) return {}; // which the parser refuses
  const { boolCoreTag, FAILSAFE_SCHEMA, load, nullCoreTag } = await import('js-yaml');
  // Without the tags of numbers, a code such as 0012 stays what is written.
  const schema = FAILSAFE_SCHEMA.withTags(boolCoreTag, nullCoreTag);
  try {
    return load(text, { schema, maxDepth });
  } catch (error) {
    const { reason, mark } = error as { readonly reason?: string; readonly mark?: { readonly line: number } };
    // A reason can quote a tag or an alias.
    const problem = reason === undefined ? '' : `: ${reason.replaceAll(/"[^"]*"|<[^>]*>/g, '…')}`;
    const line = mark === undefined ? '' : ` at line ${mark.line + 1}`;
    throw new ConfigFileError(`${path} is not YAML${line}${problem}`);
  }
}

function isEmptyLine(line: string): boolean {
  return line.trim() === '' || line.trimStart().startsWith('#');
}

/** The text of a file; undefined if there is no file. @throws ConfigFileError when it cannot be read. */
export function textOfFile(path: string): string | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new ConfigFileError(`${path} cannot be read: ${code}`);
  }
  if (bytes.length > MAX_BYTES) throw new ConfigFileError(`${path} has more than ${MAX_BYTES} bytes`);
  return bytes.toString('utf8');
}
