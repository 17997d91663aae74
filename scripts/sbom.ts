/**
 * `npm run sbom`: the bill of materials of an installation in CycloneDX: the packages that npm installs with the program,
 * and those that the build put into dist/, which npm itself would leave out as packages for development.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

interface Component {
  readonly 'bom-ref': string;
  readonly properties?: readonly { readonly name: string; readonly value: string }[];
}

interface Bill {
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

/** The names of the packages in dist, from the text of dist/THIRD-PARTY-LICENSES.txt. */
export function bundledPackages(licences: string): readonly string[] {
  const lines = licences.split('\n---\n\n').map((part) => part.split('\n')[0] ?? '');
  return lines.filter((line) => /^(@[\w.-]+\/)?[a-z][\w.-]*$/.test(line)); // a licence can have such a line too
}

/** Keeps what an installation has of a bill of everything. `bundled` are packages in dist, as name@version. */
function delivered(all: Bill, bundled: readonly string[]): Bill {
  const components = all.components.filter((one) => !isForDevelopment(one) || bundled.includes(one['bom-ref']));
  const kept = new Set(components.map((component) => component['bom-ref']));
  const dependencies = all.dependencies
    .filter(({ ref }) => kept.has(ref))
    .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((on) => kept.has(on)) }));
  return { ...all, components, dependencies };
}

function isForDevelopment({ properties = [] }: Component): boolean {
  return properties.some(({ name }) => name === 'cdx:npm:package:development');
}

function versionOf(name: string): string {
  return (JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')) as { version: string }).version;
}

/** The bill of everything that package-lock.json has. npm's own --omit=dev leaves out packages that both sides need. */
export function makeBill(): Bill {
  const args = ['sbom', '--sbom-format=cyclonedx', '--package-lock-only'];
  const all = JSON.parse(execFileSync('npm', args, { encoding: 'utf8', maxBuffer: 2 ** 28 })) as Bill;
  const bundled = bundledPackages(readFileSync('dist/THIRD-PARTY-LICENSES.txt', 'utf8'));
  return delivered(
    all,
    bundled.map((name) => `${name}@${versionOf(name)}`),
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  process.stdout.write(`${JSON.stringify(makeBill(), undefined, 2)}\n`);
