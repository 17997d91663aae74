/** Finds the operations among the paths of a document. operation-draft.ts decides which can be imported. */
import type { Method } from '../contract/operation.js';
import { cleanLine } from './document-text.js';
import { ImportError, OmittedOperationError } from './import-error.js';
import { MAX_OPERATIONS } from './import-limits.js';
import { addFinding, type ImportFindings } from './import-report.js';
import { type DocumentNode, isNode, listAt, type OpenApiDocument, own } from './openapi-document.js';

/** An operation at its position in the document. */
export interface Candidate {
  readonly method: Method;
  readonly path: string;
  /** Method and path, as shown in the import report. */
  readonly where: string;
  readonly operationId: unknown;
  readonly item: DocumentNode;
  readonly source: DocumentNode;
}

export interface FoundOperations {
  readonly candidates: readonly Candidate[];
  /** The number of all operations, including omitted ones. */
  readonly count: number;
}

const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete', 'options', 'trace'];

const MAX_SERVERS = 100;

/** Characters allowed in a path, outside its parameters. */
const PATH_CHARACTERS = /^\/[\w\-.~!$&'()*+,;=:@%/]*$/;
const MAX_PATH_LENGTH = 500;

/** Operations that cannot be called are added to `omitted`. @throws ImportError for a document without paths. */
export function findOperations(document: OpenApiDocument, omitted: ImportFindings): FoundOperations {
  const paths = own(document.root, 'paths');
  if (!isNode(paths)) throw new ImportError('the document has no paths');
  const candidates: Candidate[] = [];
  let count = 0;
  let beyond = 0;
  for (const [path, source] of Object.entries(paths)) {
    if (!path.startsWith('/')) continue;
    const item = itemAt(document, path, source, omitted);
    for (const method of item === undefined ? [] : METHODS) {
      const operation = own(item, method);
      if (item === undefined || operation === undefined) continue;
      count += 1;
      if (candidates.length === MAX_OPERATIONS) {
        beyond += 1;
        continue;
      }
      const where = `${method.toUpperCase()} ${cleanLine(path, 100)}`;
      const why = isNode(operation) ? problemOf(document, method, path, item, operation) : 'it is not an object';
      if (why !== undefined) addFinding(omitted, { operation: where, reason: why });
      else candidates.push(candidate(method, path, where, item, operation as DocumentNode));
    }
  }
  if (beyond > 0)
    addFinding(omitted, { operation: `${beyond} more operations`, reason: `a document may have ${MAX_OPERATIONS}` });
  return { candidates, count };
}

function candidate(method: string, path: string, where: string, item: DocumentNode, source: DocumentNode): Candidate {
  return {
    method: method.toUpperCase() as Method,
    path,
    where,
    operationId: own(source, 'operationId'),
    item,
    source,
  };
}

function itemAt(
  document: OpenApiDocument,
  path: string,
  source: unknown,
  omitted: ImportFindings,
): DocumentNode | undefined {
  const where = cleanLine(path, 100);
  try {
    const item = document.follow(source);
    if (!isNode(item) || !isNode(source)) throw new OmittedOperationError('it is not an object');
    if (document.isWide(item)) throw new OmittedOperationError('it has too many parts');
    const { $ref: _, ...beside } = source;
    return item === source ? item : { ...item, ...beside };
  } catch (error) {
    if (!(error instanceof OmittedOperationError)) throw error;
    addFinding(omitted, { operation: where, part: error.part, reason: error.reason });
    return undefined;
  }
}

/** Why an operation cannot be called, regardless of its request and response. */
function problemOf(
  document: OpenApiDocument,
  method: string,
  path: string,
  item: DocumentNode,
  operation: DocumentNode,
): string | undefined {
  if (method === 'trace') return 'TRACE is for diagnosis';
  if (document.isWide(operation)) return 'it has too many parts';
  const fixed = path.replace(/\{[^{}/]+\}/g, 'x');
  if (path.length > MAX_PATH_LENGTH || !PATH_CHARACTERS.test(fixed)) return 'its path is not one that can be called';
  if (fixed.split('/').some((step) => /^(\.|%2e){1,2}$/i.test(step))) return 'its path leads elsewhere';
  const [server] = [...listAt(operation, 'servers'), ...listAt(item, 'servers')];
  const hosts = listAt(document.root, 'servers').slice(0, MAX_SERVERS).map(hostOf);
  const elsewhere = hostOf(server) !== '' && !hosts.includes('') && !hosts.includes(hostOf(server)) && hosts.length > 0;
  return elsewhere ? 'it is served by another server' : undefined;
}

/** The host of a server; empty when its URL is relative or has a variable as host. */
function hostOf(server: unknown): string {
  const url = own(server, 'url');
  return typeof url === 'string' ? (/^(?:[a-z]+:)?\/\/([^/?#{}]+)(?:[/?#]|$)/i.exec(url.slice(0, 500))?.[1] ?? '') : '';
}
