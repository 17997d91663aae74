/** The SDK's low-level server with one tool that returns a fixed record: `sdk.mjs stdio|http RECORD.json`. */
import { readFileSync } from 'node:fs';
import { Server } from '@modelcontextprotocol/server';

const [, , transport, recordFile] = process.argv;
const record = recordFile === undefined ? { ok: true } : JSON.parse(readFileSync(recordFile, 'utf8'));
const tools = [{ name: 'echo', inputSchema: { type: 'object' } }];
const factory = () => {
  const server = new Server({ name: 'echo', version: '1' }, { capabilities: { tools: {} } });
  server.setRequestHandler('tools/list', () => ({ tools }));
  server.setRequestHandler('tools/call', () => ({
    content: [{ type: 'text', text: JSON.stringify(record) }],
    structuredContent: record,
  }));
  return server;
};

if (transport === 'stdio') {
  const { serveStdio } = await import('@modelcontextprotocol/server/stdio');
  serveStdio(factory);
} else {
  const { createServer } = await import('node:http');
  const { toNodeHandler } = await import('@modelcontextprotocol/node');
  const { createMcpHandler } = await import('@modelcontextprotocol/server');
  const handler = toNodeHandler(createMcpHandler(factory));
  const server = createServer((req, res) => void handler(req, res));
  server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/mcp`));
}
