/** What the store does about a pooler in front of PostgreSQL, which has sessions and settings of its own. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { readOnlyUrl } from '../../src/store/postgres/connection-url.js';
import { freshDatabase } from '../support/postgres-database.js';
import { testDriver } from '../support/postgres-driver.js';

test('sessions for reading have a setting that a pooler would refuse: not through a pooler', () => {
  const of = (query: string) => new URL(readOnlyUrl(`postgres://h/db?${query}`, {})).searchParams.get('options');
  expect(of('')).toBe('-c default_transaction_read_only=on');
  expect(of('options=-c%20x=1')).toBe('-c x=1 -c default_transaction_read_only=on');
  expect(of('prepared_statements=off')).toBeNull();
});

test.each(['any', 'read-write'])(
  'a pooler whose server is gone accepts clients, which go to the next host (target_session_attrs=%s)',
  async (attrs) => {
    const database = await freshDatabase();
    onTestFinished(() => database.drop());
    const pooler = await poolerWithoutServer();
    const { hostname, port } = new URL(database.url);
    const both = database.url.replace(`@${hostname}:${port}`, `@127.0.0.1:${pooler.port},${hostname}:${port}`);
    const driver = testDriver(both, { prepared_statements: 'off', target_session_attrs: attrs });
    const { rows } = await driver.withSession((client) => client.query('SELECT inet_server_port() AS port'));
    expect(rows).toEqual([{ port: Number(port) }]);
    expect(pooler.connections()).toBeGreaterThan(0);
  },
);

/** Accepts every client and answers each of its queries as pgbouncer does when it cannot reach its server. */
async function poolerWithoutServer() {
  let connections = 0;
  const text = 'SFATAL\0C08P01\0Mserver login has been failing\0\0';
  const failure = Buffer.concat([Buffer.from('E'), lengthOf(4 + text.length), Buffer.from(text)]);
  const accepted = Buffer.concat([
    Buffer.from('R'),
    lengthOf(8),
    lengthOf(0),
    Buffer.from('Z'),
    lengthOf(5),
    Buffer.from('I'),
  ]);
  const server = createServer((socket) => {
    connections += 1;
    socket.on('error', () => {});
    socket.once('data', () => {
      socket.write(accepted);
      socket.once('data', () => socket.end(failure));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { port: (server.address() as AddressInfo).port, connections: () => connections };
}

/** A number as the protocol has them: four bytes. */
function lengthOf(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
