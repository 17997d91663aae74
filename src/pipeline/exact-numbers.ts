/**
 * Part of step 7: no number of a request lost digits on its way here. JSON.parse rounds an integer beyond 2^53 to one
 * nearby, whichever transport parses it, and an integer within never to one beyond: so what is beyond is rejected.
 */
import type { Input } from '../contract/backend.js';
import { type Issue, invalidRequest } from '../contract/errors.js';

const MAX_ISSUES = 50;

/** @throws CrmError 400 `crm.validation_failed` that names each number beyond ±(2^53 - 1). */
export function requireExactNumbers(input: Input): void {
  const issues: Issue[] = [];
  collect(input, '', issues);
  if (issues.length > 0) throw invalidRequest(issues);
}

const INEXACT: Omit<Issue, 'path'> = {
  message:
    `is a number beyond ±${Number.MAX_SAFE_INTEGER}, which JSON numbers do not carry exactly; ` +
    'send it as a string of digits',
  expected: 'a string of digits',
};

function collect(value: unknown, path: string, issues: Issue[]): void {
  if (typeof value === 'number') {
    if (Math.abs(value) > Number.MAX_SAFE_INTEGER && issues.length < MAX_ISSUES) issues.push({ path, ...INEXACT });
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const name of Object.keys(value)) {
    const inner = (value as Record<string, unknown>)[name];
    if (typeof inner === 'number' ? Math.abs(inner) > Number.MAX_SAFE_INTEGER : typeof inner === 'object') {
      collect(inner, path === '' ? name : `${path}.${name}`, issues);
    }
  }
}
