/** What counts in a run of the official suite: nothing that failed passes, and nothing that was not run counts. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { judge } from '../../scripts/conformance-verdict.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'g3n-verdict-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** A scenario as the suite writes it down: a status, or one with what it says, for each check. */
function ran(name: string, ...checks: (string | [string, string])[]): void {
  const home = join(directory, `server-${name}-2026-11-28T05-42-32-009Z`);
  mkdirSync(home);
  const written = checks.map((check, index) => {
    const [status, errorMessage] = [check].flat();
    return { id: `check-${index}`, status, errorMessage };
  });
  writeFileSync(join(home, 'checks.json'), JSON.stringify(written));
}

test('checks are counted, passed and failed', () => {
  ran('ping', 'SUCCESS', 'SUCCESS', 'INFO', 'SKIPPED');
  ran('tools-list', 'SUCCESS', ['FAILURE', 'no tools']);
  const verdict = judge(directory, 2);
  expect(verdict).toMatchObject({ scenarios: 2, passed: 3, failed: 1, failures: ['tools-list: check-1: no tools'] });
});

test('a scenario that left nothing, or made no check, is a failure', () => {
  ran('ping', 'SKIPPED');
  expect(judge(directory, 2).failures).toEqual(['ping: no check was made', expect.stringContaining('2 scenarios')]);
  expect(judge(directory, Number.NaN).failed).toBeGreaterThan(1);
});

test('warnings are told and fail nothing', () => {
  ran('ping', 'SUCCESS', ['WARNING', 'should']);
  expect(judge(directory, 1)).toMatchObject({ failed: 0, warned: ['ping: check-1: warning: should'] });
});

test('an extension we do not have is not counted', () => {
  ran('ping', 'SUCCESS');
  ran('tasks-lifecycle', ['FAILURE', 'no tasks']);
  expect(judge(directory, 2)).toMatchObject({ scenarios: 1, passed: 1, failed: 0 });
});

describe('on a server without the suite’s fixtures', () => {
  test('scenarios about them are not counted, and one that passes all the same is in the wrong list', () => {
    ran('ping', 'SUCCESS');
    ran('tools-call-image', 'SUCCESS', ['FAILURE', 'no such tool']);
    ran('prompts-list', 'SUCCESS');
    const verdict = judge(directory, 3, ['tools-call-image', 'prompts-list', 'of-another-set']);
    expect(verdict).toMatchObject({ scenarios: 1, passed: 1 });
    expect(verdict.failures).toEqual(['prompts-list: passes without fixtures: count it']);
  });

  test('a check the suite could not make is left out there, and a failure where the fixtures are', () => {
    ran('server-stateless', 'SUCCESS', ['FAILURE', 'Not testable: no tool'], ['FAILURE', 'wrong']);
    expect(judge(directory, 1, [])).toMatchObject({ passed: 1, left: 1, failed: 1 });
    expect(judge(directory, 1)).toMatchObject({ passed: 1, left: 0, failed: 2 });
  });
});
