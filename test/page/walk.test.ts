/** The quick start end to end: a fresh copy, the first README command, the printed link, earned points. */
import { spawn } from 'node:child_process';
import { cpSync, readFileSync, symlinkSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { demoLink, openBrowser, shownAnswer, visit } from '../support/browser.js';
import { cleanEnvironment, scratch } from '../support/program.js';

/** What a clone does not contain. node_modules is linked because an installation takes minutes. */
const MADE = new Set(['.git', '.data', 'bundle', 'dist', 'node_modules']);
const scratchDir = scratch();
const copy = join(scratchDir.directory, 'clone');
let stop = async () => {};
afterAll(async () => {
  await stop();
  scratchDir.remove();
});

test('README leads from a clone to points earned in the browser', { timeout: 180_000 }, async () => {
  const readme = readFileSync('README.md', 'utf8');
  const command = /```sh\n(npm start) /.exec(readme)?.[1] ?? '';
  cpSync('.', copy, { recursive: true, filter: (path) => !MADE.has(relative('.', path)) });
  symlinkSync(resolve('node_modules'), join(copy, 'node_modules'));
  const link = await startAndRead(`${command} -- --port 0`);
  const steps = /^## Quick start$(.+?)^## /ms.exec(readme)?.[1] ?? '';
  const buttons = [...steps.matchAll(/\*\*(.+?)\*\*/g)].map(([, name = '']) => name);
  expect(buttons).toEqual(['Connect', 'Example: document', 'Look one up', 'Call crm_loyalty_earn']);

  const browser = await openBrowser();
  const { page, problems } = await visit(browser, link);
  for (const name of buttons) {
    await page.getByRole('button', { name, exact: true }).click();
    if (name === 'Connect') await page.getByText('org DEMO · owner · 58 tools').first().waitFor();
    if (name === 'Look one up') await page.locator('.choices button').first().click();
  }
  await page.locator('.result.success').waitFor();
  expect(await shownAnswer(page)).toMatchObject({ success: true, data: { kind: 'earn', points: 100 } });
  expect(problems).toEqual([]);
  await browser.close();
});

/** Runs the command of README in the copy and resolves with the link it prints. */
function startAndRead(command: string): Promise<string> {
  // A dry run keeps npm from changing the linked node_modules if it is out of date.
  const env = cleanEnvironment({ npm_config_dry_run: 'true' });
  const child = spawn('sh', ['-c', `exec ${command}`], { cwd: copy, env, detached: true });
  const ended = new Promise<void>((done) => child.once('close', () => done()));
  stop = async () => {
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
    await ended;
  };
  let output = '';
  return new Promise((found, failed) => {
    const listen = (text: Buffer) => {
      output += text;
      if (demoLink(output) !== '' && output.endsWith('\n')) found(demoLink(output));
    };
    child.stdout.on('data', listen);
    child.stderr.on('data', listen);
    void ended.then(() => failed(new Error(`${command} ended: ${output}`)));
  });
}
