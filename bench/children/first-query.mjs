// Opens an index in a fresh process and asks it: how long the first query takes, and what memory searching takes.
// Task: { engine, path, setting, queryCount }. Loading the engine's package counts as memory, and not as time.

import { answer, attempt, givenTask } from '../lib/child.mjs';
import { loadQuerySet } from '../lib/data.mjs';
import { loadEngine, queriesFor } from '../lib/engines.mjs';
import { isMemoryKnown, privateBytes } from '../lib/memory.mjs';

const K = 10;

await attempt(async () => {
  const { engine: name, path, setting, queryCount } = givenTask();
  const querySet = loadQuerySet();
  const queries = queriesFor(name, querySet, queryCount);
  const before = isMemoryKnown ? privateBytes(path) : undefined;

  const engine = await loadEngine(name);
  const started = performance.now();
  const index = await engine.open(path, querySet.dimensions);
  const search = await index.use(setting);
  const opened = performance.now();
  await search(queries[0], K);
  const asked = performance.now();
  for (const query of queries) await search(query, K);

  const after = isMemoryKnown ? privateBytes(path) : undefined;
  answer({
    openMs: opened - started,
    firstQueryMs: asked - opened,
    privateBytes: before && after.total - before.total,
    privateFileBytes: before && after.fileClean - before.fileClean,
  });
  // Kept to here, so that what was measured is an open index.
  await index.close();
});
