/**
 * What a document says of an operation in our own words (`x-effect`, `x-access`, …), and where it says nothing, what
 * our contract says of the same method and path.
 */
import type { Contract, Effect, Method, Operation, RoleTable } from '../contract/operation.js';
import { type DocumentNode, isNode, own } from './openapi-document.js';

/** The path of our own API on its server (contract §1). */
const OWN_BASE = '/crm';

/** A class every caller passes: what they may do is for the upstream to say. */
const ANY_CALLER = 'session';

const EFFECTS: readonly unknown[] = ['read', 'append', 'revise', 'destroy'] satisfies Effect[];

const MOST_CLASSES = 100;

export type Overlay = (method: Method, path: string) => Operation | undefined;

/** Finds the operation of ours that a foreign one stands for, with and without the base paths of both servers. */
export function createOverlay(contract: Contract, document: DocumentNode): Overlay {
  const table = new Map(contract.operations.map((operation) => [`${operation.method} ${operation.path}`, operation]));
  const base = basePath(document);
  return (method, path) => {
    const paths = [path, `${base}${path}`].flatMap((full) => [
      full,
      ...without(full, base),
      ...without(full, OWN_BASE),
    ]);
    return paths.map((candidate) => table.get(`${method} ${candidate}`)).find((found) => found !== undefined);
  };
}

export type OperationExtensions = Pick<Operation, 'access' | 'effect' | 'origin' | 'operational' | 'countsFailures'>;

/** `needsPlace`: the operation cannot do without facility and channel, by its own parameters. */
export function readExtensions(
  source: DocumentNode,
  method: Method,
  roles: RoleTable,
  ours: Operation | undefined,
  needsPlace: boolean,
): OperationExtensions {
  const access = [own(source, 'x-access'), ours?.access].find(
    (name): name is string => typeof name === 'string' && Object.hasOwn(roles, name),
  );
  const origin = own(source, 'x-origin');
  return {
    access: access ?? ANY_CALLER,
    effect: effectOf(own(source, 'x-effect'), method, ours),
    origin: typeof origin === 'string' && /^[a-z]{1,20}$/.test(origin) ? origin : (ours?.origin ?? 'vendor'),
    operational: flag(source, 'x-operational') ?? ours?.operational ?? needsPlace,
    countsFailures: flag(source, 'x-counts-failures') ?? ours?.countsFailures ?? false,
  };
}

/** The role table of a document, or ours where it has none of use. */
export function readRoles(document: DocumentNode, ours: RoleTable): RoleTable {
  const roles = own(document, 'x-roles');
  if (!isNode(roles) || Object.keys(roles).length > MOST_CLASSES) return ours;
  const entries = Object.entries(roles);
  const sound = entries.every(
    ([, names]) =>
      Array.isArray(names) &&
      names.length <= MOST_CLASSES &&
      names.every((name) => /^[a-z][a-z0-9_]{0,63}$/.test(name)),
  );
  return sound && entries.length > 0 ? (Object.fromEntries(entries) as RoleTable) : ours;
}

/** A write of which nobody says what it does may do anything. */
function effectOf(said: unknown, method: Method, ours: Operation | undefined): Effect {
  if (EFFECTS.includes(said)) return said as Effect;
  return ours?.effect ?? (method === 'GET' || method === 'HEAD' ? 'read' : 'destroy');
}

function flag(source: DocumentNode, name: string): boolean | undefined {
  const value = own(source, name);
  return typeof value === 'boolean' ? value : undefined;
}

function basePath(document: DocumentNode): string {
  const [server] = Array.isArray(own(document, 'servers')) ? (own(document, 'servers') as unknown[]) : [];
  const url = own(server, 'url');
  const path =
    typeof url === 'string' ? /^(?:[a-z]+:\/\/[^/]*)?(\/[^?#{}]*)$/i.exec(url.slice(0, 500))?.[1] : undefined;
  return path?.replace(/\/+$/, '') ?? '';
}

function without(path: string, base: string): readonly string[] {
  return base !== '' && path.startsWith(`${base}/`) ? [path.slice(base.length)] : [];
}
