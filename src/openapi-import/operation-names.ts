/** What operations are called: short words that no two of them share, whatever else the document holds. */
import { createHash } from 'node:crypto';
import { LONGEST_ID } from './import-limits.js';

export interface UnnamedOperation {
  readonly operationId: unknown;
  readonly method: string;
  readonly path: string;
}

const LONGEST_READ = 200;
const SUFFIX_CHARACTERS = 5;

/**
 * An id for each: from its operationId, or from method and path where there is none or several have the same. One that
 * had to be cut, and then is like another, ends in a few characters made of its method and path.
 */
export function nameOperations(operations: readonly UnnamedOperation[]): readonly string[] {
  const own = operations.map(({ operationId }) => (typeof operationId === 'string' ? words(operationId) : ''));
  const ofOwn = counted(own);
  const full = operations.map((operation, index) => {
    const name = own[index] ?? '';
    return name !== '' && ofOwn.get(name) === 1 ? name : words(`${operation.method} ${operation.path}`);
  });
  const cut = full.map((name) => shortened(name, LONGEST_ID));
  const ofCut = counted(cut);
  const taken = new Set(cut.filter((name) => ofCut.get(name) === 1));
  return operations.map((operation, index) => {
    const name = cut[index] ?? '';
    if (ofCut.get(name) === 1) return name;
    const short = shortened(full[index] ?? '', LONGEST_ID - SUFFIX_CHARACTERS - 1);
    let free = '';
    for (let salt = 0; free === '' || taken.has(free); salt += 1) free = `${short}_${suffix(operation, salt)}`;
    taken.add(free);
    return free;
  });
}

/** `listPetsByID` → `list_pets_by_id`: letters and digits of ASCII, the first a letter. */
function words(text: string): string {
  const name = text
    .slice(0, LONGEST_READ)
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_|_$/g, '');
  return /^[0-9]/.test(name) ? `op_${name}` : name;
}

/** Cut behind a word, if that leaves most of it. */
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
