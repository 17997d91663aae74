/** Assigns a short, unique id to every imported operation. */
import { createHash } from 'node:crypto';
import { MAX_ID_LENGTH } from './import-limits.js';

export interface UnnamedOperation {
  readonly operationId: unknown;
  readonly method: string;
  readonly path: string;
}

const MAX_SOURCE_LENGTH = 200;
const SUFFIX_CHARACTERS = 5;

/**
 * Returns an id for each operation: from its operationId, or from method and path when it has none or several share it.
 * When cut ids collide, each ends in a few characters derived from its method and path.
 */
export function nameOperations(operations: readonly UnnamedOperation[]): readonly string[] {
  const own = operations.map(({ operationId }) => (typeof operationId === 'string' ? snakeCase(operationId) : ''));
  const ofOwn = counted(own);
  const full = operations.map((operation, index) => {
    const name = own[index] ?? '';
    return name !== '' && ofOwn.get(name) === 1 ? name : snakeCase(`${operation.method} ${operation.path}`);
  });
  const cut = full.map((name) => shortened(name, MAX_ID_LENGTH));
  const ofCut = counted(cut);
  const taken = new Set(cut.filter((name) => ofCut.get(name) === 1));
  return operations.map((operation, index) => {
    const name = cut[index] ?? '';
    if (ofCut.get(name) === 1) return name;
    const short = shortened(full[index] ?? '', MAX_ID_LENGTH - SUFFIX_CHARACTERS - 1);
    let free = '';
    for (let salt = 0; free === '' || taken.has(free); salt += 1) free = `${short}_${suffix(operation, salt)}`;
    taken.add(free);
    return free;
  });
}

/** `listPetsByID` → `list_pets_by_id`: letters and digits of ASCII, the first a letter. */
function snakeCase(text: string): string {
  const name = text
    .slice(0, MAX_SOURCE_LENGTH)
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_|_$/g, '');
  return /^[0-9]/.test(name) ? `op_${name}` : name;
}

/** Cuts the name at a word boundary, if that keeps more than half of it. */
function shortened(name: string, longest: number): string {
  if (name.length <= longest) return name;
  const end = name.lastIndexOf('_', longest);
  return name.slice(0, end > longest / 2 ? end : longest);
}

function suffix({ method, path }: UnnamedOperation, salt: number): string {
  const digest = createHash('sha256').update(`${method} ${path} ${salt}`).digest('hex');
  return BigInt(`0x${digest}`).toString(36).slice(0, SUFFIX_CHARACTERS);
}

function counted(names: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}
