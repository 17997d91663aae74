/**
 * Collects the off-heap memory that response bytes leave behind. V8 lets 64 MB of it accumulate before it collects,
 * because its own heap hardly grows meanwhile.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { lazy } from '../contract/lazy.js';

const MEGABYTE = 1024 * 1024;
/** Bytes received and bytes copied between two checks. */
const CHECK_EVERY_BYTES = MEGABYTE;
/** Growth since the last collection that starts a minor collection, which takes about a millisecond. */
const MINOR_GC_THRESHOLD = 3 * MEGABYTE;
/** Growth since the last major collection that starts another one, which takes about 30 ms. */
const MAJOR_GC_THRESHOLD = 8 * MEGABYTE;

/** Reports bytes that will soon be garbage. Collects when enough of them have accumulated. */
export type CollectGarbage = (bytes: number) => void;

type Collect = (options?: { readonly type: 'minor' }) => void;

/** The garbage collector of this process. */
const collector = lazy((): Collect => {
  setFlagsFromString('--expose-gc'); // applies to contexts created from now on: other code does not see `gc`
  setFlagsFromString('--no-concurrent-array-buffer-sweeping'); // collected memory counts as free at once
  return runInNewContext('gc') as Collect;
});

/** One process needs one. `externalBytes` returns the off-heap memory in use; both parameters are for tests. */
export function createCollectGarbage(
  collect = collector,
  externalBytes = () => getHeapStatistics().external_memory,
): CollectGarbage {
  let reported = 0;
  let afterMinor = externalBytes();
  let afterMajor = afterMinor;
  return (bytes) => {
    reported += bytes;
    if (reported < CHECK_EVERY_BYTES) return;
    reported = 0;
    afterMinor = Math.min(afterMinor, externalBytes());
    afterMajor = Math.min(afterMajor, afterMinor);
    if (externalBytes() - afterMinor < MINOR_GC_THRESHOLD) return;
    collect()({ type: 'minor' });
    afterMinor = externalBytes();
    if (afterMinor - afterMajor < MAJOR_GC_THRESHOLD) return;
    collect()();
    afterMinor = externalBytes();
    afterMajor = afterMinor;
  };
}
