/** The program as shells and terminals use it: closed pipes, colours, text logs, and settings with their source. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { usesColor } from '../../src/terminal/color.js';
import { prettyLine } from '../../src/terminal/pretty-log.js';
import { cleanEnvironment, MAIN, run, runJson, scratch } from '../support/program.js';

const workspace = scratch();
afterAll(workspace.remove);

test('a closed pipe ends the program quietly, with the code of SIGPIPE', () => {
  const script = `(sleep 1; exec "$0" "$1" --help; ) 2>err | true; echo "\${PIPESTATUS[0]}"; cat err`;
  const options = { env: cleanEnvironment(), encoding: 'utf8', cwd: workspace.directory } as const;
  expect(execFileSync('bash', ['-c', script, process.execPath, MAIN], options)).toBe('141\n');
});

describe('config print', () => {
  const file = join(workspace.directory, 'g3n.yaml');
  writeFileSync(file, 'port: 99\nhost: file.example\n');

  test('shows each setting with its source, and no secret', async () => {
    const env = {
      G3N_CONFIG: file,
      G3N_HOST: '127.0.0.2',
      G3N_API_KEY: 'g3nk_S3CRET',
      G3N_DB: 'postgres://app:S3C@RET@db/crm?sslpassword=S3CRET',
      G3N_PROXY: 'http://S3CRET@proxy:3128',
      G3N_GATEWAY: 'https://S3C:RE@T@crm.example/crm?S3CRET&key=S3CRET#S3CRET',
      G3N_OPENAPI: 'https://S3C#RET:S3C?RET@crm.example/openapi.json',
    };
    const { settings } = await runJson(['config', 'print', '--log-level', 'warn'], env);
    const shown = Object.fromEntries(settings.map(({ setting, ...rest }: { setting: string }) => [setting, rest]));
    expect(shown).toMatchObject({
      port: { value: '99', source: `file ${file}` },
      host: { value: '127.0.0.2', source: 'variable G3N_HOST' },
      'max-sessions': { value: '1000', source: 'default' },
      'api-key': { value: '(hidden)' },
      db: { value: 'postgres://app:(hidden)@db/crm?sslpassword=(hidden)' },
      proxy: { value: 'http://(hidden)@proxy:3128' },
      gateway: { value: 'https://(hidden)@crm.example/crm?(hidden)&key=(hidden)#(hidden)' },
      openapi: { value: 'https://(hidden)' },
      'log-level': { value: 'warn', source: 'flag --log-level' },
      config: { value: file, source: 'variable G3N_CONFIG' },
    });
    expect(JSON.stringify(settings)).not.toMatch(/S3C|RET@|RE@/);
  });

  test('takes true for a flag without its value, and an empty key for none', async () => {
    const env = { G3N_GATEWAY: 'true', G3N_TRUST_PROXY: 'false', G3N_SERVER_KEY: '' };
    expect((await run(['config', 'print'], env)).code).toBe(0);
  });

  test('refuses invalid settings of any command', async () => {
    const { code, stdout, stderr } = await run(['config', 'print'], { G3N_DEADLINE_MS: 'soon' });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('G3N_DEADLINE_MS: must be a whole number');
  });
});

test.each([
  [{}, true, true],
  [{}, false, false],
  [{ NO_COLOR: '1' }, true, false],
  [{ NO_COLOR: '' }, true, true],
  [{ FORCE_COLOR: '1' }, false, true],
  [{ TERM: 'dumb' }, true, false],
  [{ G3N_COLOR: 'always', NO_COLOR: '1' }, false, true],
  [{ G3N_COLOR: 'never', FORCE_COLOR: '1' }, true, false],
])('with %j, on a terminal: %s, output has colours: %s', (env, isTTY, colours) => {
  expect(usesColor({ isTTY }, env)).toBe(colours);
});

test('doctor is coloured with --color always, and not where its output is no terminal', async () => {
  const doctor = (...args: string[]) => run(['doctor', '--db', workspace.db, ...args]);
  const [always, plain] = await Promise.all([doctor('--color', 'always'), doctor()]);
  expect(always.stdout).toContain('\u001b[32mok');
  expect(plain.stdout).not.toContain('\u001b');
});

test('a log line for a person has time, level, message and fields', () => {
  const line = {
    level: 50,
    time: 0,
    request_id: 'r-1',
    ms: 1.5,
    cause: { type: 'Error', stack: '    at x' },
    msg: 'call failed',
  };
  expect(prettyLine(JSON.stringify(line), {})).toBe(
    '00:00:00.000 error call failed request_id=r-1 ms=1.5\n  Error\n    at x\n',
  );
});

test('logs are JSON lines where stderr is no terminal, and text with --log-format pretty', async () => {
  const serve = (format: string) =>
    run(['stdio', '--demo', '--db', ':memory:', '--log-level', 'debug', '--log-format', format], {}, STAT);
  const [json, pretty] = await Promise.all([serve('auto'), serve('pretty')]);
  expect(JSON.parse(json.stderr.trim().split('\n')[0] ?? '')).toMatchObject({ msg: 'call', operation: 'stat' });
  expect(pretty.stderr).toMatch(/^\d\d:\d\d:\d\d\.\d{3} debug call request_id=\S+ .*operation=stat/m);
});

const STAT = [
  {
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
  },
  { method: 'notifications/initialized' },
  { id: 2, method: 'tools/call', params: { name: 'crm_stat', arguments: {} } },
]
  .map((message) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  .join('');
