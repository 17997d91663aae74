/** A CRM that returns the same record for every call at once, so that only the gateway's cost is measured. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const { data, caller, org } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const build = { build_major: 'BENCH', build_minor: '0', build_id: 'BENCH-0' };
const stats = {
  call: 'POST /bench',
  service: 'crm',
  timestamp_utc: '2026-01-21T00:00:00.000Z',
  request_id: 'r',
  trace_id: 't',
};
const whole = (record) => JSON.stringify({ success: true, data: record, build, stats });
const stat = whole({ status: 'ok', version: '0', backend: 'store', caller, org, context: {} });
const record = whole(data);

const server = createServer((request, response) => {
  request.resume().on('end', () => {
    response.setHeader('content-type', 'application/json').end(request.url.endsWith('/stat') ? stat : record);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/crm`));
