/** The metadata of the program in package.json, which registries and bundles repeat. */
import { readFileSync } from 'node:fs';

export interface Package {
  readonly name: string;
  readonly mcpName: string;
  readonly version: string;
  readonly description: string;
  readonly author: string;
  readonly license: string;
  readonly engines: { readonly node: string };
}

export const PACKAGE = JSON.parse(readFileSync('package.json', 'utf8')) as Package;

/** The display name of the program. */
export const TITLE = 'G3N retail CRM';
