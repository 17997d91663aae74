/** The completion scripts: bash runs its own, with a stand-in for g3n; the others are read (CI has neither shell). */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { afterAll, describe, expect, test } from 'vitest';
import { cleanEnvironment } from '../support/program.js';

const SCRIPTS = 'src/cli/completion/scripts';
const directory = mkdtempSync(join(tmpdir(), 'g3n-scripts-'));
afterAll(() => rmSync(directory, { recursive: true }));

// Prints what the test says, and keeps the arguments that it was given.
writeFileSync(
  join(directory, 'g3n'),
  `#!/bin/sh\nprintf '%s\\0' "$@" >'${directory}/arguments'\ncat '${directory}/answer'\n`,
);
chmodSync(join(directory, 'g3n'), 0o755);
const environment = cleanEnvironment({ PATH: `${directory}:${process.env.PATH}` });

interface Typed {
  /** The words as bash splits them: at COMP_WORDBREAKS too. */
  readonly words: readonly string[];
  readonly line?: string;
  readonly answer: string;
  /** 9 for TAB, 63 for a list. */
  readonly type?: number;
}

/** What bash would offer, and the words that g3n was asked about. */
function complete({ words, line = words.join(' '), answer, type = 9 }: Typed) {
  writeFileSync(join(directory, 'answer'), answer);
  const script = `source ${SCRIPTS}/g3n.bash
    COMP_LINE=$1 COMP_POINT=\${#1} COMP_TYPE=$2 COMP_CWORD=$(($# - 3))
    COMP_WORDBREAKS=$' \\t\\n"\\'@><=;|&(:'
    shift 2
    COMP_WORDS=("$@")
    _g3n
    (( \${#COMPREPLY[@]} == 0 )) || printf '%s\\n' "\${COMPREPLY[@]}"`;
  const args = ['--noprofile', '--norc', '-c', script, 'bash', line, String(type), ...words];
  const stdout = execFileSync('bash', args, { encoding: 'utf8', env: environment });
  const asked = readFileSync(join(directory, 'arguments'), 'utf8').split('\0').slice(0, -1);
  return { offered: stdout === '' ? [] : stdout.trimEnd().split('\n'), asked: asked.slice(3) };
}

describe('bash', () => {
  test('asks about the words that are typed', () => {
    const { offered, asked } = complete({
      words: ['g3n', 'crm', 'cus'],
      answer: 'words\ncustomer\tcustomer commands\n',
    });
    expect([offered, asked]).toEqual([['customer'], ['crm', 'cus']]);
    expect(complete({ words: ['g3n', ''], answer: 'words\n' })).toEqual({ offered: [], asked: [''] });
  });

  test.each<[string, string, readonly string[], string, readonly string[], string]>([
    ['=', 'g3n x --status=a', ['g3n', 'x', '--status', '=', 'a'], '--status=all', ['x', '--status=a'], 'all'],
    ['= at the end', 'g3n x --status=', ['g3n', 'x', '--status', '='], '--status=all', ['x', '--status='], 'all'],
    [':', 'g3n x a:b', ['g3n', 'x', 'a', ':', 'b'], 'a:bc', ['x', 'a:b'], 'bc'],
    ['@ and :', 'g3n x a@b:c', ['g3n', 'x', 'a', '@', 'b', ':', 'c'], 'a@b:cd', ['x', 'a@b:c'], 'cd'],
    [
      '= and a space',
      'g3n x --kind=b',
      ['g3n', 'x', '--kind', '=', 'b'],
      '--kind=big cat',
      ['x', '--kind=b'],
      'big\\ cat',
    ],
    ['a quote', "g3n x 'big c", ['g3n', 'x', "'big c"], 'big cat', ['x', "'big c"], 'big cat'],
    ['several spaces', 'g3n  x   y', ['g3n', 'x', 'y'], 'yes', ['x', 'y'], 'yes'],
  ])('puts words together and completes what follows %s', (_what, line, words, value, asked, offered) => {
    expect(complete({ line, words, answer: `words\n${value}\n` })).toEqual({ offered: [offered], asked });
  });

  test('asks about the part of a word before the cursor', () => {
    expect(complete({ line: 'g3n crm cu', words: ['g3n', 'crm', 'customer'], answer: 'words\n' }).asked).toEqual([
      'crm',
      'cu',
    ]);
  });

  test('runs nothing of what is typed or answered, and quotes what it inserts', () => {
    const mark = join(directory, 'RUN');
    const evil = `$(touch ${mark})`;
    const { offered, asked } = complete({
      words: ['g3n', evil, ''],
      answer: `words\n${evil}\t${evil}\n\`touch ${mark}\`;\n*\n`,
    });
    expect(asked).toEqual([evil, '']);
    expect(offered).toEqual([`\\$\\(touch\\ ${mark}\\)`, `\\\`touch\\ ${mark}\\\`\\;`, '\\*']);
    expect(existsSync(mark)).toBe(false);
  });

  test('shows descriptions only in a list of several', () => {
    const answer = 'words\na1\tfirst: one\na2\n';
    expect(complete({ words: ['g3n', 'a'], answer, type: 63 }).offered).toEqual(['a1  -- first: one', 'a2']);
    expect(complete({ words: ['g3n', 'a'], answer }).offered).toEqual(['a1', 'a2']);
    expect(complete({ words: ['g3n', 'a1'], answer: 'words\na1\tfirst\n', type: 63 }).offered).toEqual(['a1']);
  });

  test('leaves files to the shell, and completes them after @', () => {
    const words = ['g3n', '--data', `@${directory}/ans`];
    expect(complete({ words: ['g3n', '--data', ''], answer: 'files\n' }).offered).toEqual([]);
    expect(complete({ words, answer: 'files\n' }).offered).toEqual([`@${directory}/answer`]);
  });
});

describe('every script', () => {
  const scripts = readdirSync(SCRIPTS);

  test('is printed by the built program', () => {
    const shells = { bash: 'g3n.bash', zsh: 'g3n.zsh', fish: 'g3n.fish', powershell: 'g3n.ps1' };
    expect(Object.values(shells).sort()).toEqual(scripts.toSorted());
    const printed = execFileSync(process.execPath, [resolve('dist/g3n.js'), 'completion', 'bash'], {
      env: environment,
    });
    expect(printed.toString()).toBe(readFileSync(join(SCRIPTS, 'g3n.bash'), 'utf8'));
  });

  test.each(scripts)('%s evaluates nothing', (file) => {
    const code = readFileSync(join(SCRIPTS, file), 'utf8').replaceAll(/^\s*#.*$/gm, '');
    expect(code).toContain('__complete');
    expect(code).not.toMatch(/\beval\b|Invoke-Expression|\biex\b|\bsource\b/i);
  });
});
