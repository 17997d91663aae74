/** The error of a PostgreSQL server that cannot be used as it is. */
import { DatabaseFileError } from '../../database-file/open-error.js';

/** Printed as other databases that cannot be opened: the problem, then the remedy. Never has a password or a URL. */
export class DatabaseServerError extends DatabaseFileError {
  constructor(problem: string, remedy: string, cause?: unknown) {
    super(problem, remedy, cause);
    this.name = 'DatabaseServerError';
  }
}

type Explanation = readonly [problem: string, remedy: string];

/** By SQLSTATE or code of the socket; `{}` stands for hosts and database. */
const EXPLANATIONS: Readonly<Record<string, Explanation>> = {
  '28P01': ['the server of {} rejected the user or password', 'Correct the URL, PGUSER and PGPASSWORD, or ~/.pgpass.'],
  '28000': ['the server of {} admits no such user from here', 'Correct the user, or add a line to pg_hba.conf.'],
  '3D000': ['there is no database {}', 'Correct the name, or create it: CREATE DATABASE … OWNER … .'],
  '53300': ['the server of {} has no connection left', 'Raise max_connections, or lower pool_size in the URL.'],
  '57P03': ['the server of {} is starting or stopping', 'Try again in a moment.'],
  '25006': ['no server of {} takes writes', 'Start the primary, or leave out target_session_attrs to read only.'],
  ECONNREFUSED: ['no PostgreSQL server answers at {}', 'Start it, or correct host and port.'],
  ENOTFOUND: ['a host of {} is not known', 'Correct the host name.'],
  EAI_AGAIN: ['a host of {} cannot be looked up', 'Check the name server.'],
  ETIMEDOUT: ['no PostgreSQL server answers at {}', 'Check the network and its firewalls.'],
};

/** An error of connecting as one that says what to do; other errors are returned as they are. */
export function explainConnectionError(error: unknown, shown: string): unknown {
  if (error instanceof DatabaseFileError) return error;
  const { code = '', message = '', errors } = error as { code?: string; message?: string; errors?: readonly unknown[] };
  if (errors?.[0] !== undefined) return explainConnectionError(errors[0], shown);
  const known = /timeout/.test(message) ? EXPLANATIONS.ETIMEDOUT : EXPLANATIONS[code];
  if (known !== undefined) return new DatabaseServerError(known[0].replace('{}', shown), known[1], error);
  return /SSL|certificate/i.test(message)
    ? new DatabaseServerError(`no safe connection to ${shown}: ${message}`, 'Check sslmode and sslrootcert.', error)
    : error;
}
