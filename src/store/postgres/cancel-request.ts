/** Asks the server to cancel the running statement of a connection. pg has this, too, but without TLS. */
import { type ClientBase, Connection } from 'pg';

const MAX_MS = 5000;

/** The parts of a client and a connection that the types of pg leave out. */
interface Target {
  readonly host: string;
  readonly port: number;
  readonly ssl: object | boolean;
  readonly sslNegotiation: string;
  readonly processID: number;
  readonly secretKey: number;
}

interface Request {
  connect(port: number | string, host?: string): void;
  requestSsl(): void;
  cancel(processID: number, secretKey: number): void;
}

/**
 * Returns at once; the statement then fails with SQLSTATE 57014, if it is still running when the request arrives. If
 * that fails, the statement ends by its own timeout.
 */
export function requestCancel(client: ClientBase): void {
  const { host, port, ssl, sslNegotiation, processID, secretKey } = client as unknown as Target;
  const connection = new Connection({ ssl, sslNegotiation } as ConstructorParameters<typeof Connection>[0]);
  const request = connection as unknown as Request;
  const timer = setTimeout(() => connection.stream.destroy(), MAX_MS);
  const send = () => request.cancel(processID, secretKey);
  connection.on('error', () => {});
  connection.on('end', () => clearTimeout(timer));
  connection.on('connect', () => {
    if (!ssl) send();
    else if (sslNegotiation !== 'direct') request.requestSsl();
  });
  connection.on('sslconnect', send);
  if (host.startsWith('/')) request.connect(`${host}/.s.PGSQL.${port}`);
  else request.connect(port, host);
}
