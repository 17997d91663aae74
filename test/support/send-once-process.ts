/**
 * A child process that tests start to send writes: every line on stdin is the idempotency key of one write. It prints
 * `ready`, then one line when a call is sent upstream and one when the call ends.
 */
import { createInterface } from 'node:readline';
import { CrmError } from '../../src/contract/errors.js';
import { openGatewayDb } from '../../src/gateway/gateway-db.js';
import { callOf, openGateway, success } from './sending.js';

const [path = '', upstream = ''] = process.argv.slice(2);
const gateway = openGateway(openGatewayDb({ path }));
gateway.upstream = async (performance) => {
  process.stdout.write(`sent ${performance.input.idempotency_key}\n`);
  await new Promise((done) => (upstream === 'answers' ? setTimeout(done, 5) : undefined));
  return success(performance, { process: process.pid });
};
process.stdout.write('ready\n');
for await (const key of createInterface({ input: process.stdin })) {
  void gateway.call(callOf({ points: 5, idempotency_key: key })).then(
    ({ envelope }) => process.stdout.write(`answered ${key} ${JSON.stringify(envelope)}\n`),
    (error: unknown) => process.stdout.write(`refused ${key} ${error instanceof CrmError ? error.code : error}\n`),
  );
}
