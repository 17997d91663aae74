/** The manifest of a .mcpb bundle: what a desktop client displays, asks the user for and starts. */
import { LIVE_BASE } from '../src/contract/base-url.js';
import { CONTRACT } from '../src/contract/generated/contract.js';
import { createCatalogue } from '../src/tools/catalogue.js';
import { PACKAGE, TITLE } from './package.js';

/** `demo`: a local CRM with the demo org; `live`: a gateway to the live API. */
export type BundleKind = 'demo' | 'live';

interface Kind {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly args: readonly string[];
  readonly env: { readonly [variable: string]: string };
  readonly userConfig: object;
}

/** A placeholder that the client replaces when it starts the program. */
const placeholder = (name: string) => `\${${name}}`;

const KINDS: { readonly [kind in BundleKind]: Kind } = {
  demo: {
    name: `${PACKAGE.name}-demo`,
    title: `${TITLE} (demo)`,
    about: 'A CRM on this machine, with 200 made-up customers and a year of loyalty ledger to try things on.',
    args: ['stdio', '--demo', '--db', `${placeholder('user_config.directory')}/crm.db`],
    env: { G3N_READ_ONLY: 'false' },
    userConfig: {
      directory: {
        type: 'directory',
        title: 'Folder of the database',
        description: 'Where the demo stores its customers. Created if it does not exist.',
        required: true,
        default: `${placeholder('HOME')}/g3n-crm-demo`,
      },
    },
  },
  live: {
    name: PACKAGE.name,
    title: TITLE,
    about: 'Forwards every call to the CRM of your org, with your key.',
    args: [
      'stdio',
      '--gateway',
      placeholder('user_config.gateway'),
      '--gateway-db',
      `${placeholder('user_config.directory')}/gateway.db`,
      '--confirm',
      placeholder('user_config.confirm'),
    ],
    env: {
      G3N_ORGCODE: placeholder('user_config.orgcode'),
      G3N_API_KEY: placeholder('user_config.api_key'),
      G3N_LOGICAL_GUID: placeholder('user_config.logical_guid'),
      G3N_CHANNEL_CODE: placeholder('user_config.channel_code'),
      G3N_READ_ONLY: placeholder('user_config.read_only'),
    },
    userConfig: {
      orgcode: text('Org', 'The code of your org', { required: true }),
      api_key: text('API key', 'A key of the org. It is stored by this application.', {
        required: true,
        sensitive: true,
      }),
      logical_guid: text('Facility', 'Where you work; required for points and gift cards', { default: '' }),
      channel_code: text('Sales channel', 'For example pos; required for points and gift cards', { default: '' }),
      read_only: {
        type: 'boolean',
        title: 'Read only',
        description: 'Offer no tools that change data',
        required: false,
        default: false,
      },
      confirm: text('Confirm', 'Calls that you must confirm: destructive, all, money=AMOUNT or off', {
        default: 'destructive',
      }),
      gateway: text('Server', 'The address of the CRM', { default: LIVE_BASE }),
      directory: {
        type: 'directory',
        title: 'Folder of idempotency records',
        description: 'Stores which changes were sent, so that none is sent twice',
        required: true,
        default: `${placeholder('HOME')}/g3n-crm`,
      },
    },
  },
};

/** Returns the manifest for bundles on this machine's platform: a package in the bundle contains a binary. */
export function manifestOf(kind: BundleKind) {
  const { name, title, about, args, env, userConfig } = KINDS[kind];
  return {
    manifest_version: '0.3',
    name,
    display_name: title,
    version: PACKAGE.version,
    description: PACKAGE.description,
    long_description: about,
    author: { name: PACKAGE.author },
    license: PACKAGE.license,
    server: {
      type: 'node',
      entry_point: 'dist/main.js',
      mcp_config: { command: 'node', args: [`${placeholder('__dirname')}/dist/main.js`, ...args], env },
    },
    tools: createCatalogue(CONTRACT).entries.map(({ tool }) => ({ name: tool.name, description: tool.title })),
    prompts_generated: true,
    compatibility: { platforms: [process.platform], runtimes: { node: PACKAGE.engines.node } },
    user_config: userConfig,
  };
}

function text(title: string, description: string, more: object): object {
  return { type: 'string', title, description, required: false, ...more };
}
