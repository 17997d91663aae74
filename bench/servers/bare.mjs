/** Handwritten JSON-RPC without SDK or checks, the minimal cost of the protocol: `bare.mjs stdio|http RECORD.json`. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [, , transport, recordFile] = process.argv;
const record = JSON.parse(readFileSync(recordFile, 'utf8'));
const respond = (text) => {
  const { id, method } = JSON.parse(text);
  if (id === undefined) return undefined;
  const result =
    method === 'tools/call'
      ? { content: [{ type: 'text', text: JSON.stringify(record) }], structuredContent: record }
      : { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'bare', version: '1' } };
  return JSON.stringify({ jsonrpc: '2.0', id, result });
};

if (transport === 'stdio') {
  let rest = '';
  process.stdin.setEncoding('utf8').on('data', (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    for (const line of lines) {
      const reply = respond(line);
      if (reply !== undefined) process.stdout.write(`${reply}\n`);
    }
  });
} else {
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => response.setHeader('content-type', 'application/json').end(respond(body)));
  });
  server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/mcp`));
}
