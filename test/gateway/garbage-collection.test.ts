/** Garbage collection after large responses: triggered by the amount of memory outside the heap, never by time. */
import { expect, test } from 'vitest';
import { createCollectGarbage } from '../../src/gateway/garbage-collection.js';

const MEGABYTE = 1024 * 1024;

/** Simulates memory outside the heap: `kept` is how many megabytes remain after a collection of each kind. */
function simulate(start: number) {
  const memory = { outside: start, kept: { minor: 0, full: 0 } };
  const runs: string[] = [];
  const collect = (options?: { readonly type: 'minor' }) => {
    const kind = options?.type ?? 'full';
    runs.push(kind);
    memory.outside = Math.min(memory.outside, memory.kept[kind]);
  };
  const sweep = createCollectGarbage(
    () => collect,
    () => memory.outside * MEGABYTE,
  );
  return {
    runs,
    memory,
    /** Allocates this many megabytes; they stay until they are collected. */
    read: (megabytes: number) => {
      memory.outside += megabytes;
      sweep(megabytes * MEGABYTE);
    },
  };
}

test('a small amount is not collected', () => {
  const { runs, read } = simulate(10);
  for (let count = 0; count < 2; count += 1) read(1);
  expect(runs).toEqual([]);
});

test('a minor collection runs every few megabytes, and no full one when that is enough', () => {
  const { runs, memory, read } = simulate(10);
  memory.kept.minor = 10;
  for (let count = 0; count < 30; count += 1) read(1);
  expect(runs).toEqual(Array.from({ length: 10 }, () => 'minor'));
});

test('a full collection runs when minor ones leave too much', () => {
  const { runs, memory, read } = simulate(10);
  memory.kept = { minor: 100, full: 10 };
  for (let count = 0; count < 9; count += 1) read(1);
  expect(runs).toEqual(['minor', 'minor', 'minor', 'full']);
  expect(memory.outside).toBe(10);
});

test('full collections become rare when they free nothing', () => {
  const { runs, memory, read } = simulate(10);
  memory.kept = { minor: 1_000, full: 1_000 };
  for (let count = 0; count < 60; count += 1) read(1);
  expect(runs.filter((kind) => kind === 'full')).toHaveLength(6);
});

test('memory that was freed otherwise lowers the starting point', () => {
  const { runs, memory, read } = simulate(50);
  memory.outside = 10;
  read(1);
  memory.kept.minor = 0;
  for (let count = 0; count < 4; count += 1) read(1);
  expect(runs).toEqual(['minor']);
});

test('fractions of a megabyte add up', () => {
  const { runs, memory, read } = simulate(0);
  memory.kept.minor = 0;
  for (let count = 0; count < 48; count += 1) read(1 / 16);
  expect(runs).toEqual(['minor']);
});
