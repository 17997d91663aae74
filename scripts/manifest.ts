/** The manifest of a .mcpb bundle: what a desktop client shows, asks for and starts. Not: what is packed beside it. */
import { CONTRACT } from '../src/contract/generated/contract.js';
import { createCatalogue } from '../src/tools/catalogue.js';
import { PACKAGE, TITLE } from './package.js';

/** A CRM of one's own with a demo org in it, or the live API. */
export type BundleKind = 'demo' | 'live';

interface Kind {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly args: readonly string[];
  readonly env: { readonly [variable: string]: string };
  readonly asks: object;
}

/** What the client puts in when it starts the program. */
const put = (name: string) => `\${${name}}`;
const LIVE_BASE = 'https://api.g3nretailstack.com/crm';

const KINDS: { readonly [kind in BundleKind]: Kind } = {
  demo: {
    name: `${PACKAGE.name}-demo`,
    title: `${TITLE} (demo)`,
    about: 'A CRM on this machine, with 200 made-up customers and a year of loyalty ledger to try things on.',
    args: ['stdio', '--demo', '--db', `${put('user_config.directory')}/crm.db`],
    env: { G3N_READ_ONLY: 'false' },
    asks: {
      directory: {
        type: 'directory',
        title: 'Folder of the database',
        description: 'Where the demo keeps its customers. Made when it is not there.',
        required: true,
        default: `${put('HOME')}/g3n-crm-demo`,
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
      put('user_config.gateway'),
      '--gateway-db',
      `${put('user_config.directory')}/gateway.db`,
      '--confirm',
      put('user_config.confirm'),
    ],
    env: {
      G3N_ORGCODE: put('user_config.orgcode'),
      G3N_API_KEY: put('user_config.api_key'),
      G3N_LOGICAL_GUID: put('user_config.logical_guid'),
      G3N_CHANNEL_CODE: put('user_config.channel_code'),
      G3N_READ_ONLY: put('user_config.read_only'),
    },
    asks: {
      orgcode: text('Org', 'The code of your org', { required: true }),
      api_key: text('API key', 'A key of the org. It is stored by this application.', {
        required: true,
        sensitive: true,
      }),
      logical_guid: text('Facility', 'Where you work; points and gift cards need it', { default: '' }),
      channel_code: text('Sales channel', 'Such as pos; points and gift cards need it', { default: '' }),
      read_only: {
        type: 'boolean',
        title: 'Read only',
        description: 'No tool that changes anything',
        required: false,
        default: false,
      },
      confirm: text('Confirm', 'Calls you are asked about first: destructive, all, money=AMOUNT or off', {
        default: 'destructive',
      }),
      gateway: text('Server', 'The address of the CRM', { default: LIVE_BASE }),
      directory: {
        type: 'directory',
        title: 'Folder of receipts',
        description: 'Where it is kept which changes were sent, so that none is sent twice',
        required: true,
        default: `${put('HOME')}/g3n-crm`,
      },
    },
  },
};

/** The manifest for bundles that run on this machine's platform: one package in them is a binary. */
export function manifestOf(kind: BundleKind) {
  const { name, title, about, args, env, asks } = KINDS[kind];
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
      mcp_config: { command: 'node', args: [`${put('__dirname')}/dist/main.js`, ...args], env },
    },
    tools: createCatalogue(CONTRACT).entries.map(({ tool }) => ({ name: tool.name, description: tool.title })),
    prompts_generated: true,
    compatibility: { platforms: [process.platform], runtimes: { node: PACKAGE.engines.node } },
    user_config: asks,
  };
}

function text(title: string, description: string, more: object): object {
  return { type: 'string', title, description, required: false, ...more };
}
