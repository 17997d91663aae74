/** Evaluates the result files of the official conformance suite. conformance.ts runs the suite. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Verdict {
  readonly scenarios: number;
  readonly passed: number;
  readonly failed: number;
  /** Checks that the suite could not perform. */
  readonly untested: number;
  readonly failures: readonly string[];
  readonly warnings: readonly string[];
}

/** Scenarios of a protocol extension that this server does not implement. */
const EXTENSION = /^tasks-/;
/** The suite's prefix for a check that it could not perform, because the tool that it calls by name does not exist. */
const NOT_TESTABLE = 'Not testable:';

/**
 * Evaluates the scenarios of one run. `directory` contains its result files; `expected` is the number of scenarios that
 * ran. `needsFixtures` names scenarios that call the suite's own fixtures: on a server without them they prove nothing
 * and are not counted, and one that passes anyway is listed by mistake and counts as a failure. Without
 * `needsFixtures`, every scenario and every check counts.
 */
export function evaluate(directory: string, expected: number, needsFixtures?: readonly string[]): Verdict {
  const scenarios = readScenarios(directory).filter(({ name }) => !EXTENSION.test(name));
  const counted = scenarios.filter(({ name }) => needsFixtures?.includes(name) !== true);
  let [passed, untested] = [0, 0];
  const failures: string[] = [];
  const warnings: string[] = [];
  for (const { name, checks } of counted) {
    if (!checks.some(({ status }) => status === 'SUCCESS' || status === 'FAILURE'))
      failures.push(`${name}: no check was performed`);
    for (const { id, status, errorMessage = '' } of checks) {
      if (status === 'SUCCESS') passed += 1;
      if (status === 'WARNING') warnings.push(`${name}: ${id}: warning: ${errorMessage}`);
      if (status !== 'FAILURE') continue;
      if (needsFixtures !== undefined && errorMessage.startsWith(NOT_TESTABLE)) untested += 1;
      else failures.push(`${name}: ${id}: ${errorMessage}`);
    }
  }
  for (const name of needsFixtures ?? []) {
    const found = scenarios.find((scenario) => scenario.name === name);
    if (found === undefined) continue; // belongs to the other requirement set
    if (found.checks.every(({ status }) => status !== 'FAILURE' && status !== 'WARNING'))
      failures.push(`${name}: passes without fixtures: remove it from the list`);
  }
  const found = readScenarios(directory).length;
  if (found !== expected) failures.push(`expected the results of ${expected} scenarios, found ${found}`);
  return { scenarios: counted.length, passed, failed: failures.length, untested, failures, warnings };
}

interface Scenario {
  readonly name: string;
  readonly checks: readonly { readonly id: string; readonly status: string; readonly errorMessage?: string }[];
}

function readScenarios(directory: string): readonly Scenario[] {
  return readdirSync(directory).flatMap((entry) => {
    const name = /^server-(.+)-\d{4}-\d\d-\d\dT/.exec(entry)?.[1];
    return name === undefined
      ? []
      : [{ name, checks: JSON.parse(readFileSync(join(directory, entry, 'checks.json'), 'utf8')) }];
  });
}
