/** What package.json says of the program, for those who say it again. */
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

/** How people call it. */
export const TITLE = 'G3N retail CRM';
