/** The text that `http` prints when it is ready: where to connect, and the demo keys. */
import type { Demo } from './demo/demo.js';

/**
 * Renders the text for the operator's terminal. It contains the demo keys, which are public, and no other secret.
 * @param metrics where metrics are served, if they have a port of their own
 */
export function welcome(url: string, demo: Demo | undefined, metrics?: string): string {
  const page = new URL('/', url).href;
  const metricsLine = metrics === undefined ? '' : `Metrics: ${metrics}\n`;
  if (demo === undefined) return `${metricsLine}g3n-crm-mcp serves MCP on ${url}\nIn a browser: ${page}\n`;
  const keys = demo.keys.map(({ role, api_key }) => `  ${role.padEnd(24)} x-api-key: ${api_key}`);
  const headers = Object.entries(demo.headers).map(([name, value]) => [name, String(value)] as const);
  const flags = headers.map(([name, value]) => `--header "${name}: ${value}"`);
  const json = { mcpServers: { 'g3n-crm': { type: 'http', url, headers: Object.fromEntries(headers) } } };
  return `
${metricsLine}g3n-crm-mcp serves MCP on ${url}

Org DEMO holds ${demo.customers} customers with a year of loyalty ledger. Send these headers:
  x-orgcode: ${demo.orgcode}
  x-logical-guid: ${demo.headers['x-logical-guid']}
  x-channel-code: ${demo.headers['x-channel-code']}
and one of these keys (each may do what its role allows; the owner everything):
${keys.join('\n')}

Claude Code:
  claude mcp add --transport http g3n-crm ${url} \\
    ${flags.join(' \\\n    ')}

Any client with a JSON configuration:
${JSON.stringify(json, undefined, 2).replace(/^/gm, '  ')}

MCP Inspector:
  npx @modelcontextprotocol/inspector --cli ${url} --transport http --method tools/list \\
    ${flags.join(' \\\n    ')}

Try: list the tools, then call crm_stat, crm_customer_search {"q": "anna"} and crm_loyalty_earn.

Or in a browser: open this link, which brings the demo keys behind #, where browsers send nothing. In the page press
Connect, then Example: document, Look one up, and Call crm_loyalty_earn. Stop the server with Ctrl-C.

  ${page}${demoFragment(demo)}

`;
}

/** The URL fragment that passes the demo keys to mcp.html, which removes it from the address first. */
function demoFragment({ orgcode, keys, headers }: Demo): string {
  const pairs = keys.map(({ role, api_key }) => `${role}:${api_key}`);
  const context = `logical_guid=${headers['x-logical-guid']}&channel_code=${headers['x-channel-code']}`;
  return `#demo=${pairs.join(',')}&orgcode=${orgcode}&${context}`;
}
