// How much memory this process has to itself, as Linux counts it.

import { existsSync, readFileSync } from 'node:fs';

const KIB = 1024;
const MAPPING = /^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)$/;

/** False where the system does not tell. */
export const isMemoryKnown = existsSync('/proc/self/smaps_rollup');

/**
 * `total` is Private_Clean + Private_Dirty of smaps_rollup. `fileClean` is the part of it that is clean pages mapped from
 * `path`: page cache, which the kernel counts as private as long as no other process has the file mapped, and which it
 * takes away when memory is short. `path` may be a folder: then all files below it count.
 */
export function privateBytes(path) {
  globalThis.gc();
  let fileClean = 0;
  let isOfFile = false;
  for (const line of readFileSync('/proc/self/smaps', 'utf8').split('\n')) {
    const mapping = MAPPING.exec(line);
    if (mapping) isOfFile = mapping[1] === path || mapping[1].startsWith(`${path}/`);
    else if (isOfFile && line.startsWith('Private_Clean:')) fileClean += kilobytes(line);
  }
  const rollup = readFileSync('/proc/self/smaps_rollup', 'utf8').split('\n');
  const total = rollup
    .filter((line) => line.startsWith('Private_Clean:') || line.startsWith('Private_Dirty:'))
    .reduce((sum, line) => sum + kilobytes(line), 0);
  return { total, fileClean };
}

function kilobytes(line) {
  return Number(/(\d+) kB/.exec(line)[1]) * KIB;
}
