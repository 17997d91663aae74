/** JSON lines on stderr. What may be logged is listed here, field by field; nothing else reaches a log. */
import { createRequire } from 'node:module';
import type { Logger } from 'pino';
import type { CallReport } from './pipeline/call.js';

export type Log = Pick<Logger, 'debug' | 'warn' | 'error'>;

const LEVELS = ['debug', 'info', 'warn', 'error', 'silent'];

/** A logger on stderr; stdout belongs to JSON-RPC. pino loads with the first line: a quiet start does without. */
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
  return pino({ level, base: null }, pino.destination({ dest: 2, sync: true }));
}

/** One line per call: no arguments, no results, no error texts that could quote them. */
export function logCall(log: Log, report: CallReport): void {
  const { operation, stamp, caller, latency_ms, error_code, upstream_request_id, cause } = report;
  const line = {
    request_id: stamp.request_id,
    trace_id: stamp.trace_id,
    ...(operation === undefined ? {} : { operation: operation.id }),
    ms: Math.round(latency_ms * 1000) / 1000,
    ...(caller ? { orgcode: caller.orgcode, fingerprint: caller.fingerprint } : {}),
    ...(error_code === undefined ? {} : { error_code }),
    ...(upstream_request_id === undefined ? {} : { upstream_request_id }),
  };
  if (cause instanceof Error) log.error({ ...line, cause: describe(cause) }, 'call failed');
  else log.debug(line, 'call');
}

/** Where it broke, without the message: a driver's message can quote a value. */
export function describe(error: Error): { type: string; code?: string; stack: string } {
  const { code } = error as NodeJS.ErrnoException;
  const frames = (error.stack ?? '').split('\n').filter((line) => line.trimStart().startsWith('at '));
  return { type: error.name, ...(code === undefined ? {} : { code }), stack: frames.slice(0, 8).join('\n') };
}
