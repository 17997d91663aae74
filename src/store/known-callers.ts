/**
 * Callers who were identified, remembered until anything in the database changes: a credential that any process revokes
 * is rejected by the next call of every process. Their credentials are held in memory for as long.
 */
import type { Credentials, Stamp } from '../contract/backend.js';
import type { KeyRing } from '../secrets/keys.js';
import { type FoundCredential, type Identified, lookUp } from './caller-identity.js';
import type { Driver } from './engine/driver.js';

/** More callers than this at a time are looked up again; the oldest first. */
const MOST = 1000;

export class KnownCallers {
  readonly #known = new Map<string, FoundCredential>();
  readonly #driver: Driver;
  readonly #keys: KeyRing;
  /** What was true when the callers were looked up. */
  #version: number | undefined;
  #generations: KeyRing['generations'] | undefined;
  #generation: number | undefined;

  constructor(driver: Driver, keys: KeyRing) {
    this.#driver = driver;
    this.#keys = keys;
  }

  /** @throws CrmError as `identify` in caller-identity.ts does. */
  async identify(credentials: Credentials, stamp: Stamp): Promise<Identified> {
    // what a token says is verified elsewhere, for each call
    const version = credentials.kind === 'oauth' ? undefined : this.#driver.version?.();
    if (version === undefined) return (await this.#lookUp(credentials))(stamp);
    this.#forgetOlder(version);
    const name = `${credentials.kind} ${credentials.orgcode} ${credentials.secret}`;
    const known = this.#known.get(name);
    if (known !== undefined) return known(stamp);
    const found = await this.#lookUp(credentials);
    const identified = found(stamp); // who cannot be identified is not remembered
    if (version === this.#version) this.#remember(name, found);
    return identified;
  }

  async #lookUp(credentials: Credentials): Promise<FoundCredential> {
    return await this.#driver.read(() => lookUp(credentials, this.#keys), credentials);
  }

  #forgetOlder(version: number): void {
    const { generations, generation } = this.#keys;
    if (version === this.#version && generations === this.#generations && generation === this.#generation) return;
    this.#known.clear();
    this.#version = version;
    this.#generations = generations;
    this.#generation = generation;
  }

  #remember(name: string, found: FoundCredential): void {
    const [oldest] = this.#known.keys();
    if (this.#known.size >= MOST && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(name, found);
  }
}
