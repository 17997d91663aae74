/** Groups of PostgreSQL databases for tests: two databases of the run's server, and stores over them. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { pino } from 'pino';
import { createApplication } from '../../src/application.js';
import type { Envelope } from '../../src/contract/envelope.js';
import { CONTRACT } from '../../src/contract/generated/contract.js';
import { call } from '../../src/pipeline/call.js';
import { type Headers, parseHeaders } from '../../src/pipeline/headers.js';
import { type AdminContext, createKey } from '../../src/store/administration.js';
import { administerAtHome, createOrgInGroup } from '../../src/store/groups/group-administration.js';
import type { GroupedStore } from '../../src/store/groups/grouped-store.js';
import { addGroup, makeFirstGroup } from '../../src/store/groups/make-groups.js';
import { type GroupedStoreOptions, openGroupedStore } from '../../src/store/groups/open-groups.js';
import type { Store } from '../../src/store/store.js';
import { freshDatabase, type TestDatabase } from './postgres-database.js';
import { scratch } from './program.js';

export interface TestGroups {
  /** The first group is `a`, the other `b`. */
  readonly a: TestDatabase;
  readonly b: TestDatabase;
  readonly keyPath: string;
  /** What a store on the first group alone is opened with. */
  readonly options: Omit<GroupedStoreOptions, 'groups'>;
  /** Opens another server. */
  open(changes?: Partial<GroupedStoreOptions>): Promise<GroupedStore>;
  /** Closes what `open` opened, and drops the databases. */
  end(): Promise<void>;
}

/** Makes two groups without orgs. */
export async function testGroups(): Promise<TestGroups> {
  const workspace = scratch();
  const [a, b] = await Promise.all([freshDatabase(), freshDatabase()]);
  const keyPath = join(workspace.directory, 'crm.key');
  const options = {
    url: a.url,
    keyPath,
    roles: CONTRACT.roles,
    settings: { defaultRegion: 'US', uniqueCustomerFields: ['email'] as const },
    onBackgroundError: (error: unknown) => console.error(error),
  };
  await makeFirstGroup(options, 'a');
  await addGroup(options, 'b', b.url);
  const opened: GroupedStore[] = [];
  return {
    a,
    b,
    keyPath,
    options,
    async open(changes = {}) {
      const store = await openGroupedStore({ ...options, groups: new Map([['b', b.url]]), ...changes });
      opened.push(store);
      return store;
    },
    async end() {
      await Promise.all(opened.map((store) => store.close()));
      await Promise.all([a.drop(), b.drop()]);
      workspace.remove();
    },
  };
}

export function adminContext(store: Store): AdminContext {
  return { keys: store.keys, now: new Date().toISOString(), newId: () => randomBytes(16).toString('hex') };
}

/** Creates an org in a group, and returns the headers of its owner's key. */
export async function createGroupOrg(store: GroupedStore, orgcode: string, group: string): Promise<Headers> {
  const cx = adminContext(store);
  await createOrgInGroup(store, cx, orgcode, 'verified', group);
  const grant = { owner: true, roles: [] };
  const { api_key } = await administerAtHome(store, orgcode, () => createKey(cx, orgcode, 'test', grant));
  return { 'x-orgcode': orgcode, 'x-api-key': api_key, 'x-logical-guid': 's', 'x-channel-code': 'pos' };
}

export type Caller = (path: string, body: object, headers: Headers) => Promise<Envelope>;

/** Calls a store through the pipeline, as a server does. */
export function callerOf(store: Store): Caller {
  const { pipeline } = createApplication(store, pino({ level: 'silent' }));
  return async (path, body, headers) => {
    const operation = CONTRACT.operations.find((candidate) => candidate.path === path);
    if (operation === undefined) throw new Error(`no operation ${path}`);
    return await call(pipeline, { operation, arguments: body, headers: parseHeaders(headers) });
  };
}
