/** What the self-contained HTML documents of page/ share: bundling scripts, filling templates, hashes for CSPs. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type BuildOptions, build } from 'esbuild';

/** Bundles a script and its imports for browsers. @throws Error when it does not build. */
export async function bundleScript(entry: string, options: BuildOptions = {}): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'iife',
    target: 'es2022',
    charset: 'utf8',
    legalComments: 'none',
    ...options,
  });
  return (outputFiles?.[0]?.text ?? '').trim();
}

/** Replaces each `{{name}}` of a template. @throws Error when its placeholders are not exactly the parts. */
export function fillTemplate(path: string, parts: { readonly [name: string]: string }): string {
  const pieces = readFileSync(path, 'utf8').split(/\{\{(\w+)\}\}/);
  const placeholders = pieces.filter((_piece, index) => index % 2 === 1);
  if (placeholders.toSorted().join() !== Object.keys(parts).sort().join())
    throw new Error(`${path} uses the placeholders ${placeholders}`);
  return pieces.map((piece, index) => (index % 2 === 1 ? parts[piece] : piece)).join('');
}

/** The source expression by which a CSP allows exactly this inline script or style. */
export function hashSource(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
