/** JSON lines on stderr. What may be logged is listed here, field by field; nothing else reaches a log. */
import { type Logger, pino } from 'pino';
import type { CallReport } from './tools/call.js';

/** A logger on stderr; stdout belongs to JSON-RPC. */
export function createLog(level: string): Logger {
  return pino({ level, base: null }, pino.destination({ dest: 2, sync: true }));
}

/** One line per call: no arguments, no results, no error texts that could quote them. */
export function logCall(log: Logger, report: CallReport): void {
  const { operation, stamp, caller, latency_ms, refusal, cause } = report;
  const line = {
    request_id: stamp.request_id,
    trace_id: stamp.trace_id,
    operation: operation.id,
    ms: Math.round(latency_ms * 1000) / 1000,
    ...(caller ? { orgcode: caller.orgcode, fingerprint: caller.fingerprint } : {}),
    ...(refusal ? { error_code: refusal.code } : {}),
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
