/** Reads and checks the task files. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse, YAMLParseError } from 'yaml';
import type { z } from 'zod';
import { CONTRACT } from '../src/contract/generated/contract.js';
import { type Step, type Task, taskFile } from './format.js';
import { COMPARED } from './snapshot.js';

export const TASKS = 'evals/tasks';

/** A mistake in a task file; the message names the file, the task and the place. */
export class TaskFileError extends Error {}

const OPERATIONS = new Set(CONTRACT.operations.map(({ id }) => id));
const ROLES = new Set(['owner', ...Object.values(CONTRACT.roles).flat()]);

/** All tasks, by file and in the order of the file. Their ids are `file/id`. @throws TaskFileError */
export function loadTasks(directory = TASKS): readonly Task[] {
  const files = readdirSync(directory)
    .filter((file) => file.endsWith('.yaml'))
    .sort();
  return files.flatMap((file) => parseTasks(basename(file, '.yaml'), readFileSync(join(directory, file), 'utf8')));
}

/** The tasks in the text of a file. @throws TaskFileError */
export function parseTasks(file: string, text: string): readonly Task[] {
  const parsed = taskFile.safeParse(readYaml(file, text));
  if (!parsed.success) throw new TaskFileError(parsed.error.issues.map((issue) => tell(file, text, issue)).join('\n'));
  const tasks = parsed.data.tasks.map((task) => ({ ...task, file, id: `${file}/${task.id}` }));
  const faults = tasks.flatMap((task) => faultsOf(task).map((fault) => `${task.id}: ${fault}`));
  const ids = tasks.map(({ id }) => id);
  const twice = ids.filter((id, index) => ids.indexOf(id) !== index).map((id) => `${id}: there are two of that id`);
  if (faults.length + twice.length > 0) throw new TaskFileError([...faults, ...twice].join('\n'));
  return tasks;
}

function readYaml(file: string, text: string): unknown {
  try {
    return parse(text, { merge: true });
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    throw new TaskFileError(`${file}.yaml: ${error.message}`);
  }
}

/** An issue with the id of the task that it is about. */
function tell(file: string, text: string, { path, message }: z.core.$ZodIssue): string {
  const [list, index, ...rest] = path;
  const entry = list === 'tasks' ? (parse(text) as { tasks?: { id?: unknown }[] }).tasks?.[Number(index)] : undefined;
  const where = entry === undefined ? path : rest;
  return `${file}${entry === undefined ? '' : `/${String(entry.id)}`}: ${where.join('.') || 'the task'} ${message}`;
}

function faultsOf(task: Task): string[] {
  const steps: readonly Step[] = [
    ...task.given,
    ...(task.meanwhile?.calls ?? []),
    ...task.solution,
    ...task.wrong.flatMap(({ calls }) => calls),
  ];
  const named = [...steps.map(({ operation }) => operation), task.meanwhile?.before, task.lost];
  const operations = named.filter((id): id is string => id !== undefined && !OPERATIONS.has(id));
  const roles = task.role.split('+').filter((role) => !ROLES.has(role));
  const tables = task.effects.flatMap((effect) =>
    'added' in effect && !(effect.added in COMPARED) ? [effect.added] : [],
  );
  return [
    ...tables.map((table) => `there is no table ${table}`),
    ...[...new Set(operations)].map((id) => `there is no operation ${id}`),
    ...roles.map((role) => `there is no role ${role}`),
    ...task.solution.flatMap((step, index) => usesNames(step).map((ref) => `call ${index + 1} cannot know ${ref}`)),
  ];
}

/** References of a call to names of the shop: an agent has to find those records itself. */
function usesNames({ args }: Step): string[] {
  return [...JSON.stringify(args).matchAll(/\$\{([^}]*)\}/g)].flatMap(([text, path = '']) =>
    /^\d/.test(path) ? [] : [text],
  );
}
