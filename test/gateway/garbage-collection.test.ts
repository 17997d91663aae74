/** When the memory that hostile answers leave behind is looked for: by how much of it there is, never by the clock. */
import { expect, test } from 'vitest';
import { createCollectGarbage } from '../../src/gateway/garbage-collection.js';

const MEGABYTE = 1024 * 1024;

/** Memory beside the heap, in megabytes, of which a collection of each kind leaves so much. */
function worldOf(start: number) {
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
    /** So many megabytes come, and stay until they are collected. */
    read: (megabytes: number) => {
      memory.outside += megabytes;
      sweep(megabytes * MEGABYTE);
    },
  };
}

test('little of it is left alone', () => {
  const { runs, read } = worldOf(10);
  for (let count = 0; count < 2; count += 1) read(1);
  expect(runs).toEqual([]);
});

test('what is young is collected every few megabytes, and nothing else when that is enough', () => {
  const { runs, memory, read } = worldOf(10);
  memory.kept.minor = 10;
  for (let count = 0; count < 30; count += 1) read(1);
  expect(runs).toEqual(Array.from({ length: 10 }, () => 'minor'));
});

test('what has grown old is collected too when it has become much', () => {
  const { runs, memory, read } = worldOf(10);
  memory.kept = { minor: 100, full: 10 };
  for (let count = 0; count < 9; count += 1) read(1);
  expect(runs).toEqual(['minor', 'minor', 'minor', 'full']);
  expect(memory.outside).toBe(10);
});

test('what is held is not looked through again and again', () => {
  const { runs, memory, read } = worldOf(10);
  memory.kept = { minor: 1_000, full: 1_000 };
  for (let count = 0; count < 60; count += 1) read(1);
  expect(runs.filter((kind) => kind === 'full')).toHaveLength(6);
});

test('memory that became free by itself counts anew', () => {
  const { runs, memory, read } = worldOf(50);
  memory.outside = 10;
  read(1);
  memory.kept.minor = 0;
  for (let count = 0; count < 4; count += 1) read(1);
  expect(runs).toEqual(['minor']);
});

test('fractions of a megabyte are counted together', () => {
  const { runs, memory, read } = worldOf(0);
  memory.kept.minor = 0;
  for (let count = 0; count < 48; count += 1) read(1 / 16);
  expect(runs).toEqual(['minor']);
});
