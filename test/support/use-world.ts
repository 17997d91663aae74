/** The fixture for test files: a world, opened and closed around the tests. */
import { afterAll, beforeAll, expect } from 'vitest';
import { openWorld, type World } from './world.js';

interface WorldFixtureOptions {
  /** Returns the time of the world in milliseconds since the epoch; default: the system clock. */
  readonly clock?: () => number;
  /** Milliseconds that are never stepped; default: as `clock`. */
  readonly monotonic?: () => number;
  /**
   * `ledgers`: do not verify references and indexes after the tests, for files that write single rows by SQL.
   * `unverified`: verify nothing, for files that do not claim it.
   */
  readonly atEnd?: 'verified' | 'ledgers' | 'unverified';
}

/** The checks of references between records, and of their indexes. */
const REFERENCES =
  /^(customer_search|account_search|customer_tag|customer_ref|customer_consent_granted)|\.\w+_id$|\.orgcode$/;

/**
 * Opens a world before the tests of this file and closes it after them; by default it verifies every balance and the
 * journal first. The returned world can be used in hooks and tests, not while a file or a `describe` is collected.
 */
export function useWorld({ atEnd = 'verified', ...options }: WorldFixtureOptions = {}): World {
  let opened: World | undefined;
  const world = () => {
    if (opened === undefined) throw new Error('the world is open in hooks and tests only');
    return opened;
  };
  beforeAll(async () => {
    opened = await openWorld(options);
  });
  afterAll(async () => {
    const { disagreements } = atEnd === 'unverified' ? { disagreements: [] } : await world().verify();
    expect(disagreements.filter(({ check }) => atEnd === 'verified' || !REFERENCES.test(check))).toEqual([]);
    await world().close();
  });
  return {
    get directory() {
      return world().directory;
    },
    get sqlite() {
      return world().sqlite;
    },
    get path() {
      return world().path;
    },
    get store() {
      return world().store;
    },
    get application() {
      return world().application;
    },
    get logged() {
      return world().logged;
    },
    get detour() {
      return world().detour;
    },
    headers: (...args) => world().headers(...args),
    admin: (steps) => world().admin(steps),
    sql: (text, ...args) => world().sql(text, ...args),
    contents: () => world().contents(),
    searchIndex: () => world().searchIndex(),
    digest: () => world().digest(),
    withoutTriggers: (table, work) => world().withoutTriggers(table, work),
    verify: () => world().verify(),
    close: () => world().close(),
  };
}
