/**
 * Memory beside the heap, which the bytes of answers leave behind: V8 lets 64 MB of it pile up before it looks, since
 * on its own heap hardly anything has happened. Not: what is read, and how much of it.
 */
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { lazy } from '../contract/lazy.js';

const MEGABYTE = 1024 * 1024;
/** Bytes that came, and bytes they were copied to, between two looks. */
const LOOK_AFTER = MEGABYTE;
/** More than that above what was left the last time is collected among what is young, which takes a millisecond. */
const YOUNG_GARBAGE = 3 * MEGABYTE;
/** More than that above what was left after everything was looked through is looked for everywhere: some 30 ms. */
const OLD_GARBAGE = 8 * MEGABYTE;

/** Told of bytes that will be garbage. */
export type CollectGarbage = (bytes: number) => void;

type Collect = (options?: { readonly type: 'minor' }) => void;

/** The collector of this process; there is one for all. */
const collector = lazy((): Collect => {
  setFlagsFromString('--expose-gc'); // for contexts made from now on: nobody else's code sees it
  setFlagsFromString('--no-concurrent-array-buffer-sweeping'); // collected is free, and counted so, at once
  return runInNewContext('gc') as Collect;
});

/** One for everything that is read by a process. */
export function createCollectGarbage(
  collect = collector,
  outside = () => getHeapStatistics().external_memory,
): CollectGarbage {
  let came = 0;
  let afterYoung = outside();
  let afterAll = afterYoung;
  return (bytes) => {
    came += bytes;
    if (came < LOOK_AFTER) return;
    came = 0;
    afterYoung = Math.min(afterYoung, outside());
    afterAll = Math.min(afterAll, afterYoung);
    if (outside() - afterYoung < YOUNG_GARBAGE) return;
    collect()({ type: 'minor' });
    afterYoung = outside();
    if (afterYoung - afterAll < OLD_GARBAGE) return;
    collect()();
    afterYoung = outside();
    afterAll = afterYoung;
  };
}
