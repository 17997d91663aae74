/** Reads the address of a PostgreSQL database: a URL, with several hosts if need be, or libpq's PG… variables. */

/** Where a server may be, and what sessions to it have in common. */
export interface PostgresAddress {
  readonly hosts: readonly PostgresHost[];
  /** The URL for one of the hosts. Secret: it can hold a password. */
  urlOf(host: PostgresHost): string;
  /** Only a server that takes writes will do (`target_session_attrs=read-write` or `primary`). */
  readonly needsPrimary: boolean;
  /** Whether statements are prepared by name; off for poolers that do not know them (`prepared_statements=off`). */
  readonly prepares: boolean;
  /** Most connections of this process (`pool_size`). */
  readonly poolSize: number;
  /** Hosts and database, for messages. */
  readonly shown: string;
}

export interface PostgresHost {
  readonly host: string;
  readonly port: number;
}

/** pg warns that it will verify less in these modes one day. */
const VERIFIED: readonly string[] = ['prefer', 'require', 'verify-ca'];
const SCHEME = /^postgres(ql)?:\/\//;
const READ_ONLY_SESSION = '-c default_transaction_read_only=on';
const DEFAULT_PORT = 5432;
const DEFAULT_POOL_SIZE = 10;
const MAX_POOL_SIZE = 500;

/** A mistake in a URL or a variable. The message has neither: they can hold a password. */
export class ConnectionUrlError extends Error {}

/** Whether a `--db` value names a PostgreSQL database rather than a file. */
export function isPostgresUrl(db: string): boolean {
  return SCHEME.test(db);
}

/** Whether a text contains a PostgreSQL URL with a password, also one with characters that should be escaped. */
export function showsPassword(text: string): boolean {
  return /\bpostgres(ql)?:\/\/(?:[^@]*:.+@|.*[?&](ssl)?password=)/is.test(text);
}

/**
 * The URL for sessions that cannot write, whatever statements they are given; a standby will do. Poolers refuse the
 * setting, and share their sessions with those who write: through them, only each transaction is read-only.
 */
export function readOnlyUrl(url: string, environment: NodeJS.ProcessEnv = process.env): string {
  const [address = '', query = ''] = url.split('?', 2);
  const options = new URLSearchParams(query);
  if (options.get('prepared_statements') !== 'off') {
    const given = options.get('options') ?? environment.PGOPTIONS ?? '';
    options.set('options', [given, READ_ONLY_SESSION].join(' ').trim());
  }
  options.set('target_session_attrs', 'any');
  return `${address}?${options}`;
}

/**
 * Reads a URL. What it leaves out is taken from PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE, PGSSLMODE,
 * PGTARGETSESSIONATTRS and ~/.pgpass. A host that begins with `/` is the directory of a socket. With any `sslmode` but
 * `disable` and `no-verify`, the server must prove who it is; libpq asks that of `verify-full` only.
 * @throws ConnectionUrlError that says what is wrong.
 */
export function parsePostgresUrl(url: string, environment: NodeJS.ProcessEnv = process.env): PostgresAddress {
  const { credentials, hostList, path, options } = splitUrl(url);
  const hosts = hostsOf(taken(options, 'host') ?? hostList, taken(options, 'port') ?? environment.PGPORT, environment);
  if (VERIFIED.includes(options.get('sslmode') ?? '')) options.set('sslmode', 'verify-full');
  const needsPrimary = primaryOf(taken(options, 'target_session_attrs') ?? environment.PGTARGETSESSIONATTRS);
  const prepares = switchOf('prepared_statements', taken(options, 'prepared_statements'));
  const poolSize = poolSizeOf(taken(options, 'pool_size'));
  const rest = options.size === 0 ? '' : `?${options}`;
  const database = decodeURIComponent(path.slice(1)) || (environment.PGDATABASE ?? environment.PGUSER ?? '');
  return {
    hosts,
    urlOf: ({ host, port }) => `postgres://${credentials}${inUrl(host)}:${port}${path}${rest}`,
    needsPrimary,
    prepares,
    poolSize,
    shown: `${hosts.map(({ host, port }) => `${bracketed(host)}:${port}`).join(',')}/${database}`,
  };
}

interface UrlParts {
  /** With the `@`, or empty. */
  readonly credentials: string;
  readonly hostList: string;
  readonly path: string;
  readonly options: URLSearchParams;
}

function splitUrl(url: string): UrlParts {
  const [, authority = '', path = '', query = ''] = /^\w+:\/\/([^/?]*)(\/[^?]*)?(?:\?(.*))?$/.exec(url) ?? [];
  const end = authority.lastIndexOf('@') + 1;
  const parts = { credentials: authority.slice(0, end), hostList: authority.slice(end), path };
  const isUrl = SCHEME.test(url) && URL.canParse(`postgres://${parts.credentials}host${path}`);
  if (!isUrl || path.includes('@') || !canDecode(authority + path))
    throw new ConnectionUrlError(
      'the PostgreSQL URL cannot be read: write postgres://user:password@host:port/database, with %2F for /, %3F for ?, ' +
        '%40 for @ and %25 for % in a name or password',
    );
  return { ...parts, options: new URLSearchParams(query) };
}

function canDecode(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function hostsOf(list: string, portList: string | undefined, environment: NodeJS.ProcessEnv): readonly PostgresHost[] {
  const ports = (portList ?? String(DEFAULT_PORT)).split(',');
  const texts = (list === '' ? (environment.PGHOST ?? 'localhost') : list).split(',');
  return texts.map((text, index) => {
    const [, host = '', port] = /^(\[[^\]]*\]|[^:[\]]*)(?::(\d+))?$/.exec(text) ?? [];
    if (host === '')
      throw new ConnectionUrlError('the PostgreSQL URL has no host where one is expected: write host:port,host:port');
    const number = Number(port ?? ports[index] ?? ports[0]);
    if (!Number.isInteger(number) || number < 1 || number > 65_535)
      throw new ConnectionUrlError('a port of the PostgreSQL URL is not between 1 and 65535');
    return { host: decodeURIComponent(host.replace(/^\[|\]$/g, '')), port: number };
  });
}

function inUrl(host: string): string {
  return host.startsWith('/') ? encodeURIComponent(host) : bracketed(host);
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function taken(options: URLSearchParams, name: string): string | undefined {
  const value = options.get(name) ?? undefined;
  options.delete(name);
  return value;
}

function primaryOf(value: string | undefined): boolean {
  if (value === undefined || value === 'any') return false;
  if (value === 'read-write' || value === 'primary') return true;
  throw new ConnectionUrlError('target_session_attrs must be any, read-write or primary');
}

function switchOf(name: string, value: string | undefined): boolean {
  if (value === undefined || value === 'on') return true;
  if (value === 'off') return false;
  throw new ConnectionUrlError(`${name} in the PostgreSQL URL must be on or off`);
}

function poolSizeOf(value: string | undefined): number {
  if (value === undefined) return DEFAULT_POOL_SIZE;
  const size = Number(value);
  if (Number.isInteger(size) && size >= 1 && size <= MAX_POOL_SIZE) return size;
  throw new ConnectionUrlError(`pool_size in the PostgreSQL URL must be between 1 and ${MAX_POOL_SIZE}`);
}
