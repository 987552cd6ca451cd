// Indexes that more than one section measures: each is built once in a run, in a process of its own.

import { canPin, runChild } from './child.mjs';
import { freshPath, removeFile } from './scratch.mjs';

const built = new Map();

/**
 * The index of an engine over the first rows of the data, built by one thread on one processor, where the system can hold
 * it there. Answers its `path`, `bytes` and what building took.
 */
export function builtIndex({ engine, rows, quick, isDescribed = false }) {
  const name = `${engine}-${rows}${isDescribed ? '-described' : ''}.index`;
  if (!built.has(name)) {
    const path = freshPath(name);
    const task = { engine, path, rows, threads: 1, quick, isDescribed };
    const building = runChild('build-index', task, { isPinned: canPin });
    built.set(
      name,
      building.then((answer) => ({ ...answer, path })),
    );
  }
  return built.get(name);
}

/** What building takes with as many threads as the engine likes. The index is not kept. */
export async function buildWithOwnThreads({ engine, rows, quick }) {
  const path = freshPath(`${engine}-own-threads.index`);
  const figures = await runChild('build-index', { engine, path, rows, threads: 0, quick });
  removeFile(path);
  return figures;
}
