/** Reads where the requests of an operation carry the caller's credential: the document's `security`. */
import type { CredentialPlace } from '../contract/operation.js';
import { cleanLine } from './document-text.js';
import type { OmittedPart } from './import-report.js';
import { isNode, nodeAt, type OpenApiDocument, own } from './openapi-document.js';
import { isReservedHeader } from './reserved-headers.js';

export interface ReadSecurity {
  /** Undefined for the headers of the contract. */
  readonly place: CredentialPlace | undefined;
  readonly omittedParts: readonly OmittedPart[];
}

/** The header that the connection supplies beside every credential. */
const ORG_HEADER = 'x-orgcode';
/** A document that takes a session in this header takes credentials as the contract does. */
const SESSION_HEADER = 'x-session-guid';

const CREDENTIAL_HEADERS = new Set(['authorization', 'x-api-key', SESSION_HEADER]);

const NAME = /^[\w!#$%&'*+.^`|~-]{1,128}$/;
const MAX_ALTERNATIVES = 50;
const MAX_SCHEMES_SHOWN = 5;

const NOWHERE: CredentialPlace = { in: 'nowhere', name: '' };
const CONTRACT_HEADERS: ReadSecurity = { place: undefined, omittedParts: [] };

/**
 * The first alternative of the operation's `security` that one credential can meet. When none can be met, the
 * credential goes into the headers of the contract, and the report names the reason.
 */
export function readSecurity(document: OpenApiDocument, operation: unknown): ReadSecurity {
  const security = own(operation, 'security') ?? own(document.root, 'security');
  if (!Array.isArray(security)) return CONTRACT_HEADERS;
  const alternatives = security.slice(0, MAX_ALTERNATIVES).map((one) => readAlternative(document, one));
  const places = alternatives.filter((found) => typeof found !== 'string');
  if (places.some(({ name }) => name === SESSION_HEADER)) return CONTRACT_HEADERS;
  const place = places.find((found) => found !== NOWHERE) ?? (alternatives.length === 0 ? NOWHERE : places[0]);
  if (place !== undefined) return { place, omittedParts: [] };
  return { place: undefined, omittedParts: [{ part: 'credential', reason: String(alternatives[0]) }] };
}

/** The place of the only credential that an alternative needs; or the reason why it cannot be met. */
function readAlternative(document: OpenApiDocument, requirement: unknown): CredentialPlace | string {
  if (!isNode(requirement) || document.isWide(requirement)) return 'is not declared';
  const names = Object.keys(requirement);
  const schemes = nodeAt(nodeAt(document.root, 'components'), 'securitySchemes');
  const places = names.map((name) => readScheme(document.follow(own(schemes, name))));
  const needed = places.filter((place) => typeof place === 'string' || place.name !== ORG_HEADER);
  const [first = NOWHERE] = needed;
  const isOne = needed.every((place) => JSON.stringify(place) === JSON.stringify(first));
  if (isOne) return first;
  const shown = names.slice(0, MAX_SCHEMES_SHOWN).map((name) => cleanLine(name, 30));
  return `must be ${needed.length} at once (${shown.join(', ')}), and a caller has one`;
}

function readScheme(scheme: unknown): CredentialPlace | string {
  if (!isNode(scheme)) return 'is not declared';
  const { type } = scheme;
  if (type === 'oauth2' || type === 'openIdConnect') return { in: 'header', name: 'authorization', scheme: 'Bearer' };
  if (type === 'http') {
    const word = String(scheme.scheme).toLowerCase();
    if (word === 'bearer') return { in: 'header', name: 'authorization', scheme: 'Bearer' };
    if (word === 'basic') return { in: 'header', name: 'authorization', scheme: 'Basic' };
    return `is of the HTTP scheme ${cleanLine(word, 20)}, which cannot be sent`;
  }
  if (type === 'mutualTLS') return 'is a client certificate, which cannot be sent';
  const { name, in: location } = scheme;
  if (type !== 'apiKey' || typeof name !== 'string' || !NAME.test(name)) return 'cannot be read';
  const header = name.toLowerCase();
  if (location === 'query' || location === 'cookie') return { in: location, name };
  if (location !== 'header') return 'cannot be read';
  if (header === ORG_HEADER || CREDENTIAL_HEADERS.has(header)) return { in: 'header', name: header };
  return isReservedHeader(header) ? 'is a header that cannot be set' : { in: 'header', name: header };
}
