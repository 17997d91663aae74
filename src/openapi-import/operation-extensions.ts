/**
 * Reads the extensions of an operation (`x-effect`, `x-access`, …). Missing ones are taken from the operation of the
 * built-in contract with the same method and path.
 */
import type { CliNames, Contract, Effect, Method, Operation, RecordIds, RoleTable } from '../contract/operation.js';
import { type DocumentNode, isNode, own } from './openapi-document.js';

/** The base path of the CRM API on its server (contract §1). */
const OWN_BASE = '/crm';

/** The access class that every caller passes: the upstream decides what the caller may do. */
const ANY_CALLER = 'session';

const EFFECTS: readonly unknown[] = ['read', 'append', 'revise', 'destroy'] satisfies Effect[];

const MAX_ACCESS_CLASSES = 100;

export type ContractLookup = (method: Method, path: string) => Operation | undefined;

/** Finds the contract's operation for an imported one, with and without the base paths of both servers. */
export function createContractLookup(contract: Contract, document: DocumentNode): ContractLookup {
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

/** `needsContext`: the operation's own parameters require facility and channel. */
export function readExtensions(
  source: DocumentNode,
  method: Method,
  roles: RoleTable,
  contractOperation: Operation | undefined,
  needsContext: boolean,
): OperationExtensions {
  const access = [own(source, 'x-access'), contractOperation?.access].find(
    (name): name is string => typeof name === 'string' && Object.hasOwn(roles, name),
  );
  const origin = own(source, 'x-origin');
  return {
    access: access ?? ANY_CALLER,
    effect: effectOf(own(source, 'x-effect'), method, contractOperation),
    origin:
      typeof origin === 'string' && /^[a-z]{1,20}$/.test(origin) ? origin : (contractOperation?.origin ?? 'vendor'),
    operational: flag(source, 'x-operational') ?? contractOperation?.operational ?? needsContext,
    countsFailures: flag(source, 'x-counts-failures') ?? contractOperation?.countsFailures ?? false,
  };
}

const MAX_RECORD_IDS = 10;

/**
 * The request fields that hold the id of a record (`x-record-id`), where the document declares them well. An operation
 * of the contract's shape has those of the contract.
 */
export function readRecordIds(source: DocumentNode, contractOperation: Operation | undefined): RecordIds | undefined {
  const declared = own(source, 'x-record-id');
  if (!isNode(declared)) return contractOperation?.recordIds;
  const entries = Object.entries(declared);
  const valid = entries.every(
    ([field, path]) => field.length <= MAX_FIELD && typeof path === 'string' && /^[\w-]+(\.[\w*-]+){0,9}$/.test(path),
  );
  return valid && entries.length > 0 && entries.length <= MAX_RECORD_IDS ? (declared as RecordIds) : undefined;
}

const MAX_FIELD = 100;

/** How the command line client names the operation; undefined when that follows from its id. */
export function readCliNames(source: DocumentNode, contractOperation: Operation | undefined): CliNames | undefined {
  const declared = own(source, 'x-cli');
  if (!isNode(declared)) return contractOperation?.cli;
  const { command, argument } = declared;
  return {
    ...(typeof command === 'string' && /^[a-z][a-z0-9-]*( [a-z][a-z0-9-]*){0,4}$/.test(command) ? { command } : {}),
    ...(typeof argument === 'string' && argument.length <= MAX_FIELD ? { argument } : {}),
  };
}

const MAX_KEYWORDS = 40;

/** Other words for what the operation does (`x-keywords`), for the search of operations. */
export function readSearchWords(source: DocumentNode, same: Operation | undefined): Operation['keywords'] {
  const declared = own(source, 'x-keywords');
  if (!Array.isArray(declared)) return same?.keywords;
  const words = declared.filter((word) => typeof word === 'string' && word.length <= MAX_FIELD).slice(0, MAX_KEYWORDS);
  return words.length === 0 ? undefined : (words as readonly string[]);
}

/** The role table of a document; the built-in contract's when it has no valid one. */
export function readRoles(document: DocumentNode, builtIn: RoleTable): RoleTable {
  const roles = own(document, 'x-roles');
  if (!isNode(roles) || Object.keys(roles).length > MAX_ACCESS_CLASSES) return builtIn;
  const entries = Object.entries(roles);
  const valid = entries.every(
    ([, names]) =>
      Array.isArray(names) &&
      names.length <= MAX_ACCESS_CLASSES &&
      names.every((name) => /^[a-z][a-z0-9_]{0,63}$/.test(name)),
  );
  return valid && entries.length > 0 ? (Object.fromEntries(entries) as RoleTable) : builtIn;
}

/** A write without a declared effect counts as destructive. */
function effectOf(declared: unknown, method: Method, contractOperation: Operation | undefined): Effect {
  if (EFFECTS.includes(declared)) return declared as Effect;
  return contractOperation?.effect ?? (method === 'GET' || method === 'HEAD' ? 'read' : 'destroy');
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
