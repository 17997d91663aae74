/** Tests the evaluation of the official suite: failed checks never pass, and checks that did not run never count. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { evaluate } from '../../scripts/conformance-verdict.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'g3n-verdict-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Writes the result file of a scenario: a status, or a status and an error message, for each check. */
function writeScenario(name: string, ...checks: (string | [string, string])[]): void {
  const home = join(directory, `server-${name}-2026-11-28T05-42-32-009Z`);
  mkdirSync(home);
  const results = checks.map((check, index) => {
    const [status, errorMessage] = [check].flat();
    return { id: `check-${index}`, status, errorMessage };
  });
  writeFileSync(join(home, 'checks.json'), JSON.stringify(results));
}

test('counts passed and failed checks', () => {
  writeScenario('ping', 'SUCCESS', 'SUCCESS', 'INFO', 'SKIPPED');
  writeScenario('tools-list', 'SUCCESS', ['FAILURE', 'no tools']);
  const verdict = evaluate(directory, 2);
  expect(verdict).toMatchObject({ scenarios: 2, passed: 3, failed: 1, failures: ['tools-list: check-1: no tools'] });
});

test('a scenario without a result, or without a check, is a failure', () => {
  writeScenario('ping', 'SKIPPED');
  expect(evaluate(directory, 2).failures).toEqual([
    'ping: no check was performed',
    expect.stringContaining('2 scenarios'),
  ]);
  expect(evaluate(directory, Number.NaN).failed).toBeGreaterThan(1);
});

test('warnings are listed and do not fail the run', () => {
  writeScenario('ping', 'SUCCESS', ['WARNING', 'should']);
  expect(evaluate(directory, 1)).toMatchObject({ failed: 0, warnings: ['ping: check-1: warning: should'] });
});

test('scenarios of an unsupported extension are not counted', () => {
  writeScenario('ping', 'SUCCESS');
  writeScenario('tasks-lifecycle', ['FAILURE', 'no tasks']);
  expect(evaluate(directory, 2)).toMatchObject({ scenarios: 1, passed: 1, failed: 0 });
});

describe('on a server without the suite’s fixtures', () => {
  test('scenarios that need fixtures are not counted, and one that passes anyway is a failure', () => {
    writeScenario('ping', 'SUCCESS');
    writeScenario('tools-call-image', 'SUCCESS', ['FAILURE', 'no such tool']);
    writeScenario('prompts-list', 'SUCCESS');
    const verdict = evaluate(directory, 3, ['tools-call-image', 'prompts-list', 'in-another-set']);
    expect(verdict).toMatchObject({ scenarios: 1, passed: 1 });
    expect(verdict.failures).toEqual(['prompts-list: passes without fixtures: remove it from the list']);
  });

  test('a check that the suite could not perform is not counted; on a server with fixtures it is a failure', () => {
    writeScenario('server-stateless', 'SUCCESS', ['FAILURE', 'Not testable: no tool'], ['FAILURE', 'wrong']);
    expect(evaluate(directory, 1, [])).toMatchObject({ passed: 1, untested: 1, failed: 1 });
    expect(evaluate(directory, 1)).toMatchObject({ passed: 1, untested: 0, failed: 2 });
  });
});
