/** Renders server.json, the program's entry in the MCP registry: its package over stdio and over Streamable HTTP. */
import { PACKAGE, TITLE } from './package.js';
import { CALLER_VARIABLES, type Variable, variablesOf } from './variables.js';

const SCHEMA = 'https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json';
const DATABASE = {
  type: 'named',
  name: '--db',
  description: 'The database file',
  format: 'filepath',
  default: '.data/crm.db',
};
/** Maps the variables of stdio to the headers of HTTP. */
const HEADERS: { readonly [variable: string]: string } = {
  G3N_ORGCODE: 'x-orgcode',
  G3N_API_KEY: 'x-api-key',
  G3N_SESSION_GUID: 'x-session-guid',
  G3N_LOGICAL_GUID: 'x-logical-guid',
  G3N_CHANNEL_CODE: 'x-channel-code',
  G3N_CCCODE: 'x-cccode',
};

/** Returns the text of server.json. */
export function renderServerJson(): string {
  const { name, mcpName, version, description } = PACKAGE;
  const source = { registryType: 'npm', identifier: name, version, runtimeHint: 'npx' };
  const url = 'http://127.0.0.1:8787/mcp';
  const packages = [
    {
      ...source,
      transport: { type: 'stdio' },
      packageArguments: [{ type: 'positional', value: 'stdio' }, DATABASE],
      environmentVariables: [...CALLER_VARIABLES, ...variablesOf('stdio')],
    },
    {
      ...source,
      transport: { type: 'streamable-http', url, headers: CALLER_VARIABLES.map(headerOf) },
      packageArguments: [{ type: 'positional', value: 'http' }, DATABASE],
      environmentVariables: variablesOf('http'),
    },
  ];
  const document = { $schema: SCHEMA, name: mcpName, title: TITLE, description, version, packages };
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

function headerOf({ name, description, ...rest }: Variable): object {
  return { name: HEADERS[name], description: description.replace('G3N_SESSION_GUID', 'x-session-guid'), ...rest };
}
