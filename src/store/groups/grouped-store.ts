/** The store over several groups of PostgreSQL: each call goes to the group where its org is at home. */
import type { BackendPreview, BackendResult, Caller, Credentials, Readiness, Stamp } from '../../contract/backend.js';
import { CrmError, notFound } from '../../contract/errors.js';
import type { BackendMeasures } from '../../contract/measures.js';
import type { KeyRing } from '../../secrets/keys.js';
import { identify } from '../caller-identity.js';
import { isNotHome } from '../postgres/org-home.js';
import type { PostgresDriver } from '../postgres/postgres-driver.js';
import { notServing } from '../postgres/probe-result.js';
import type { PostgresStore } from '../postgres-store.js';
import type { CombinedWork, Store, StoreCall } from '../store.js';
import type { GroupDirectory } from './group-directory.js';

/** The stores by the names of their groups; the first is the group with the directory. */
export type GroupStores = ReadonlyMap<string, PostgresStore>;

type Work<T> = (store: PostgresStore) => T | Promise<T>;

/** An org that moves is looked for at most so often in one call. */
const MAX_MOVES = 3;

export class GroupedStore implements Store {
  readonly kind = 'store';
  /** The first group's, which has the counts of rate limits. */
  readonly driver: PostgresDriver;
  readonly keys: KeyRing;
  readonly groups: GroupStores;
  readonly #directory: GroupDirectory;

  constructor(groups: GroupStores, directory: GroupDirectory) {
    const [first] = groups.values();
    if (first === undefined) throw new Error('there is no group');
    this.driver = first.driver;
    this.keys = first.keys;
    this.groups = groups;
    this.#directory = directory;
  }

  async identify(credentials: Credentials, stamp: Stamp): Promise<Caller> {
    const { orgcode } = credentials;
    const group = this.#directory.known(orgcode) ?? (await this.#directory.read(orgcode));
    if (group !== undefined) return await this.#at(orgcode, group, (store) => store.identify(credentials, stamp));
    // No org of that name: the same lookup gives the caller the same answer as for any other.
    await this.driver.read(() => identify(credentials, this.keys, stamp));
    throw notFound();
  }

  perform(call: StoreCall): Promise<BackendResult> {
    return this.#atHome(call.caller.orgcode, (store) => store.perform(call));
  }

  preview(call: StoreCall): Promise<BackendResult | BackendPreview> {
    return this.#atHome(call.caller.orgcode, (store) => store.preview(call));
  }

  combine<T>(work: CombinedWork<T>): Promise<T> {
    return this.#atHome(work.orgcode, (store) => store.combine(work));
  }

  /**
   * Ready while any group serves calls: the failure of one must not take the others out of service. Returns a text that
   * names those that do not serve. @throws CrmError when none does.
   */
  async isReady(): Promise<Readiness> {
    const probes = [...this.groups].map(async ([name, store]) => {
      try {
        await store.isReady?.();
        return undefined;
      } catch (error) {
        return { name, error };
      }
    });
    const failed = (await Promise.all(probes)).filter((probe) => probe !== undefined);
    if (failed.length === 0) return true;
    const text = failed.map(({ name, error }) => `group ${name}: ${reasonOf(error)}`).join('; ');
    if (failed.length < this.groups.size) return text;
    throw unavailable(text);
  }

  measures(): BackendMeasures {
    const databases = [...this.groups].flatMap(([database, { driver }]) =>
      (driver.measures().databases ?? []).map((measures) => ({ ...measures, database })),
    );
    return { databases };
  }

  async close(): Promise<void> {
    await Promise.all([...this.groups.values()].map((store) => store.close()));
  }

  async #atHome<T>(orgcode: string, work: Work<T>): Promise<T> {
    const group = this.#directory.known(orgcode) ?? (await this.#directory.read(orgcode));
    if (group === undefined) throw notFound();
    return await this.#at(orgcode, group, work);
  }

  /** Works in the group; when the org is not at home there, in the one that the directory names now. */
  async #at<T>(orgcode: string, known: string, work: Work<T>): Promise<T> {
    let group: string | undefined = known;
    for (let moves = 0; group !== undefined && moves <= MAX_MOVES; moves += 1) {
      const tried: string = group;
      try {
        return await work(this.#storeOf(tried));
      } catch (error) {
        if (!isNotHome(error)) throw error;
        group = await this.#directory.read(orgcode);
        if (group === tried) break;
      }
    }
    throw orgIsMoving();
  }

  #storeOf(group: string): PostgresStore {
    const store = this.groups.get(group);
    if (store === undefined)
      throw unavailable(`This server does not know the group ${group}: restart it with --groups.`);
    return store;
  }
}

/** 503: the org is between two groups, for seconds. */
function orgIsMoving(): CrmError {
  return unavailable('The data of this org are being moved to another database.');
}

function unavailable(message: string): CrmError {
  return notServing(message, 'Wait a few seconds and repeat the call with the same idempotency_key.');
}

function reasonOf(error: unknown): string {
  return error instanceof CrmError ? error.message : 'not ready';
}
