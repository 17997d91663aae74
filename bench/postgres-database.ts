/** Makes the database that a benchmark fills, owned by a role that is no superuser: row-level security holds it. */
import pg from 'pg';

/** `admin` is a superuser's URL. Returns the URL of the owner. */
export async function makeDatabase(admin: string): Promise<string> {
  const client = new pg.Client(admin);
  await client.connect();
  await client.query(`CREATE ROLE bench LOGIN PASSWORD 'bench'`);
  await client.query('CREATE DATABASE bench OWNER bench');
  await client.end();
  return String(Object.assign(new URL(admin), { username: 'bench', password: 'bench', pathname: '/bench' }));
}
