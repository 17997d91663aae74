/** Which column is what: named by the operator, or told by common names. No column is left out silently. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { IGNORE, isTarget, TARGET_LIST, targetByName } from './row-targets.js';

/** What the operator says about a file. */
export interface MapSettings {
  /** Targets by column. */
  readonly columns: Readonly<Record<string, string>>;
  /** By column: what to read instead of a value. */
  readonly values: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** The system of `external_ref`. */
  readonly ref_system?: string | undefined;
}

export interface MappedColumn {
  readonly column: string;
  readonly target: string;
  /** Who said so. */
  readonly by: 'map' | 'name';
  readonly values?: Readonly<Record<string, string>> | undefined;
}

/** A mapping that does not fit the file; the message says what to change. */
export class MappingError extends Error {}

const NOTHING: MapSettings = { columns: {}, values: {} };
const MOST_MAP_BYTES = 256 * 1024;

const mapSchema = z.strictObject({
  columns: z.record(z.string(), z.string()).default({}),
  values: z.record(z.string(), z.record(z.string(), z.string())).default({}),
  ref_system: z.string().min(1).max(64).optional(),
});

/**
 * Reads `--map`: a YAML or JSON file, or `target=Column,target=Column`, where the target `ignore` may recur.
 * @throws MappingError
 */
export async function readMap(text: string | undefined): Promise<MapSettings> {
  if (text === undefined) return NOTHING;
  const settings = text.includes('=') ? { columns: inlineColumns(text), values: {} } : await readMapFile(text);
  for (const [column, target] of Object.entries(settings.columns))
    if (!isTarget(target))
      throw new MappingError(`"${target}", for the column "${column}", is not one of ${TARGET_LIST}`);
  return settings;
}

function inlineColumns(text: string): Record<string, string> {
  const pairs = text.split(',').map((pair) => {
    const [target = '', column = '', ...more] = pair.split('=').map((part) => part.trim());
    if (target === '' || column === '' || more.length > 0)
      throw new MappingError(`--map takes target=Column, separated by commas, or a file; "${pair}" is neither`);
    return [column, target] as const;
  });
  return Object.fromEntries(pairs);
}

async function readMapFile(path: string): Promise<MapSettings> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw new MappingError(`--map: the file ${path} cannot be read`);
  }
  if (text.length > MOST_MAP_BYTES) throw new MappingError(`--map: the file is larger than ${MOST_MAP_BYTES} bytes`);
  const { load } = await import('js-yaml');
  let loaded: unknown;
  try {
    loaded = load(text);
  } catch {
    throw new MappingError(`--map: ${path} is neither YAML nor JSON`);
  }
  const parsed = mapSchema.safeParse(loaded);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path: at, message }) => `${at.join('.') || 'the file'}: ${message}`);
  throw new MappingError(`--map: ${issues.join('; ')}. It has columns, and may have values and ref_system`);
}

/** The columns that the operator names. */
export function columnsOfMap({ columns, values }: MapSettings): readonly string[] {
  return [...Object.keys(columns), ...Object.keys(values)];
}

/**
 * The target of every column.
 * @throws MappingError when a column has none, a target has two columns, or the map names a column that is not there.
 */
export function mapColumns(columns: readonly string[], { columns: named, values }: MapSettings): MappedColumn[] {
  const missing = columnsOfMap({ columns: named, values }).filter((column) => !columns.includes(column));
  if (missing.length > 0) throw new MappingError(`--map: the file has no column ${quoted(missing)}`);
  const mapped = columns.map((column) => mapColumn(column, named[column], values[column]));
  const unknown = mapped.filter(({ target }) => target === undefined).map(({ column }) => column);
  if (unknown.length > 0)
    throw new MappingError(
      `not known what to do with the column ${quoted(unknown)}: map it with --map, to ignore if it is to be left out; targets are ${TARGET_LIST}`,
    );
  const complete = mapped as MappedColumn[];
  requireOneEach(complete);
  if (!complete.some(({ target }) => target === 'external_ref'))
    throw new MappingError(
      'no column is external_ref: map the one that identifies a customer in your system, so that a second run adds nothing twice',
    );
  return complete;
}

function mapColumn(column: string, named: string | undefined, values: MappedColumn['values']) {
  const target = named ?? targetByName(column);
  return { column, target, by: named === undefined ? 'name' : 'map', values } as const;
}

function requireOneEach(mapped: readonly MappedColumn[]): void {
  const used = mapped.filter(({ target }) => target !== IGNORE);
  const twice = used.find(({ target }, index) => used.findIndex((other) => other.target === target) !== index);
  if (twice === undefined) return;
  const columns = used.filter(({ target }) => target === twice.target).map(({ column }) => column);
  throw new MappingError(`the columns ${quoted(columns)} are all ${twice.target}: map them with --map`);
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}
