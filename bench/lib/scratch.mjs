// Where the measured files lie: bench/out/work, on the same file system as the repository, and gone afterwards.

import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/lib/steps.mjs';

const folder = join(root, 'bench/out/work');

export function clearScratch() {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
}

export function removeScratch() {
  rmSync(folder, { recursive: true, force: true });
}

/** The path of a file, or folder, that is not there. What removing an old one costs the file system is paid here. */
export function freshPath(name) {
  const path = join(folder, name);
  rmSync(path, { recursive: true, force: true });
  syncFile(folder);
  return path;
}

export function removeFile(path) {
  rmSync(path, { recursive: true, force: true });
  syncFile(folder);
}

export function syncFile(path) {
  const descriptor = openSync(path, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}

/** The size of a file, or of all files in a folder. */
export function fileBytes(path) {
  if (!statSync(path).isDirectory()) return statSync(path).size;
  return readdirSync(path).reduce((sum, name) => sum + fileBytes(join(path, name)), 0);
}
