/** The log, on stderr: JSON lines, or text for a person. Of a call it has the fields listed here, and no others. */
import { createRequire } from 'node:module';
import type { Logger } from 'pino';
import { keyFileWarning } from './database-file/key-permissions.js';
import type { ReportOutage } from './database-file/outage-watch.js';
import type { CallReport } from './pipeline/call.js';
import { prettyLine } from './terminal/pretty-log.js';

export type Log = Pick<Logger, 'debug' | 'warn' | 'error'>;

const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'];

/** Creates a logger on stderr; stdout carries JSON-RPC. pino is loaded with the first line, to keep the start fast. */
export function createLog(level: string): Log {
  let logger: Logger | undefined;
  const write = (name: keyof Log) => {
    if (LEVELS.indexOf(name) < LEVELS.indexOf(level)) return () => {};
    return (line: object, message: string) => {
      logger ??= openLogger(level);
      logger[name](line, message);
    };
  };
  return { debug: write('debug'), warn: write('warn'), error: write('error') } as Log;
}

function openLogger(level: string): Logger {
  const { pino } = createRequire(import.meta.url)('pino') as typeof import('pino');
  const destination = pino.destination({ dest: 2, sync: true });
  if (!isPretty()) return pino({ level, base: null }, destination);
  return pino({ level, base: null }, { write: (line) => destination.write(prettyLine(line, process.stderr)) });
}

/** JSON lines for programs; for a person at a terminal text, unless --log-format says otherwise. */
function isPretty(): boolean {
  const format = process.env.G3N_LOG_FORMAT ?? 'auto';
  return format === 'auto' ? process.stderr.isTTY === true : format === 'pretty';
}

/** Logs one line per call, without arguments, results, or error messages that could quote them. */
export function logCall(log: Log, report: CallReport): void {
  const { operation, stamp, caller, latency_ms, error_code, upstream_request_id, cause } = report;
  const line = {
    request_id: stamp.request_id,
    trace_id: stamp.trace_id,
    ...(stamp.tracestate === undefined ? {} : { tracestate: stamp.tracestate }),
    ...(operation === undefined ? {} : { operation: operation.id }),
    ms: Math.round(latency_ms * 1000) / 1000,
    ...(caller ? { orgcode: caller.orgcode, fingerprint: caller.fingerprint } : {}),
    ...(error_code === undefined ? {} : { error_code }),
    ...(upstream_request_id === undefined ? {} : { upstream_request_id }),
  };
  if (cause instanceof Error) log.error({ ...line, cause: describe(cause) }, 'call failed');
  else log.debug(line, 'call');
}

/** Describes where an error was thrown, without its message: a driver's message can quote a value. */
export function describe(error: Error): { type: string; code?: string; stack: string } {
  const { code } = error as NodeJS.ErrnoException;
  const frames = (error.stack ?? '').split('\n').filter((line) => line.trimStart().startsWith('at '));
  return { type: error.name, ...(code === undefined ? {} : { code }), stack: frames.slice(0, 8).join('\n') };
}

/** Logs one line when a database stops taking changes, and one when it takes them again. */
export function reportOutage(log: Log, database: string): ReportOutage {
  return (outage) => {
    if (outage === undefined)
      log.warn({ database }, 'The database file is back in its place: changes are taken again.');
    else
      log.error(
        { database },
        `${outage.message} Reads go on; changes are refused. Restart the server on the right file.`,
      );
  };
}

/** Warns when other users of the machine may read or change the server key. */
export function warnOfKeyFile(log: Log, keyPath: string): void {
  const warning = keyFileWarning(keyPath);
  if (warning !== undefined) log.warn({}, warning);
}

/** Warns when other users of the machine can read the database's password. */
export function warnOfPassword(log: Log): void {
  log.warn(
    {},
    "Other users of this machine can read the database's password in the list of processes: set PGPASSWORD.",
  );
}
