/** UUIDv7 ids with the time of the call, so that ordering by id is ordering by `created_at`, including ties. */
import { randomFillSync } from 'node:crypto';

export type MintId = (epochMs: number) => string;

const COUNTER_BITS = 42;
const SEED_LIMIT = 2 ** (COUNTER_BITS - 1);

/** Creates an id generator. Ids of one millisecond count up from a random start, so they sort in order of creation. */
export function createIdMint(): MintId {
  const random32 = createRandom32();
  let lastMs = -1;
  let counter = 0;

  return (epochMs) => {
    if (epochMs === lastMs) counter += 1;
    else counter = (random32() * 512 + (random32() & 511)) % SEED_LIMIT;
    lastMs = epochMs;
    const high = Math.floor(counter / 2 ** 30);
    const low = counter % 2 ** 30;
    return format(hex(epochMs, 12), hex(high, 3), hex32(0x80000000 + low), hex32(random32()));
  };
}

/** Unpredictable 32-bit numbers, read from the system a thousand at a time: one by one takes ten times as long. */
export function createRandom32(): () => number {
  const pool = Buffer.alloc(4096);
  let used = pool.length;
  return () => {
    if (used === pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    used += 4;
    return pool.readUInt32BE(used - 4);
  };
}

/**
 * The smallest id of a record created at `iso` or later; for ranges over `created_at`. Ids cannot hold a time before
 * 1970, when no record was created.
 */
export function idFloor(iso: string): string {
  return format(hex(Math.max(0, Date.parse(iso)), 12), '000', '80000000', '00000000');
}

function format(time: string, high: string, low: string, tail: string): string {
  return `${time.slice(0, 8)}-${time.slice(8)}-7${high}-${low.slice(0, 4)}-${low.slice(4)}${tail}`;
}

const BYTES = Array.from({ length: 256 }, (_, byte) => hex(byte, 2));

/** Eight hexadecimal digits of a number below 2^32; `toString` is slow for those above 2^31. */
export function hex32(value: number): string {
  const [a, b, c, d] = [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
  return `${BYTES[a]}${BYTES[b]}${BYTES[c]}${BYTES[d]}`;
}

function hex(value: number, width: number): string {
  return value.toString(16).padStart(width, '0');
}
