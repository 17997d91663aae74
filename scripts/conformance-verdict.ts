/** What the official conformance suite wrote down → what passed and what failed. Not: how it is run. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Verdict {
  readonly scenarios: number;
  readonly passed: number;
  readonly failed: number;
  /** Checks that the suite itself could not make. */
  readonly left: number;
  readonly failures: readonly string[];
  readonly warned: readonly string[];
}

/** An extension of the protocol that this server does not have. */
const EXTENSION = /^tasks-/;
/** The suite's own word for a check it could not make: the tool that it calls for that by name is not there. */
const NOT_TESTABLE = 'Not testable:';

/**
 * Judges the scenarios of one run, `directory` being what it wrote and `expected` how many there were. `needsFixtures`
 * names scenarios that call the suite's own fixtures: on a server without them they prove nothing and are not counted;
 * one that passes all the same is in the wrong list, and fails. Without it every scenario and every check counts.
 * Answers counts of checks, and what failed.
 */
export function judge(directory: string, expected: number, needsFixtures?: readonly string[]): Verdict {
  const scenarios = readScenarios(directory).filter(({ name }) => !EXTENSION.test(name));
  const counted = scenarios.filter(({ name }) => needsFixtures?.includes(name) !== true);
  let [passed, left] = [0, 0];
  const failures: string[] = [];
  const warned: string[] = [];
  for (const { name, checks } of counted) {
    if (!checks.some(({ status }) => status === 'SUCCESS' || status === 'FAILURE'))
      failures.push(`${name}: no check was made`);
    for (const { id, status, errorMessage = '' } of checks) {
      if (status === 'SUCCESS') passed += 1;
      if (status === 'WARNING') warned.push(`${name}: ${id}: warning: ${errorMessage}`);
      if (status !== 'FAILURE') continue;
      if (needsFixtures !== undefined && errorMessage.startsWith(NOT_TESTABLE)) left += 1;
      else failures.push(`${name}: ${id}: ${errorMessage}`);
    }
  }
  for (const name of needsFixtures ?? []) {
    const found = scenarios.find((scenario) => scenario.name === name);
    if (found === undefined) continue; // of another set
    if (found.checks.every(({ status }) => status !== 'FAILURE' && status !== 'WARNING'))
      failures.push(`${name}: passes without fixtures: count it`);
  }
  const seen = readScenarios(directory).length;
  if (seen !== expected) failures.push(`${expected} scenarios were to be run, ${seen} left a result`);
  return { scenarios: counted.length, passed, failed: failures.length, left, failures, warned };
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
