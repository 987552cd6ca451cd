// Makes the next reader of a file go to the disk.

import { spawnSync } from 'node:child_process';
import { syncFile } from './scratch.mjs';

/** Drops a file's pages from the page cache; false where there is no tool for it. Pages that are mapped stay. */
export function dropFromPageCache(path) {
  syncFile(path);
  const { status } = spawnSync('dd', [`if=${path}`, 'iflag=nocache', 'count=0'], { stdio: 'ignore' });
  return status === 0;
}
