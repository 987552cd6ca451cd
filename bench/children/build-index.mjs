// Builds one engine's index over the first rows of the data. Task: { engine, path, rows, threads, quick, isDescribed }.
// `threads` 0 leaves their number to the engine. `isDescribed`: with metadata, which only RVF takes here.

import { answer, attempt, givenTask } from '../lib/child.mjs';
import { firstRows, loadData, loadMetadata } from '../lib/data.mjs';
import { loadEngine } from '../lib/engines.mjs';
import { elapsedMs } from '../lib/measure.mjs';
import { fileBytes } from '../lib/scratch.mjs';

const MICROSECONDS_PER_MS = 1_000;

await attempt(async () => {
  const { engine: name, path, rows, threads, quick, isDescribed } = givenTask();
  const data = firstRows(loadData({ quick }), rows);
  const metadata = isDescribed ? loadMetadata(data).metadata : undefined;
  const engine = await loadEngine(name);

  const before = process.cpuUsage();
  let parts;
  const buildMs = await elapsedMs(async () => {
    parts = await engine.build(path, { ...data, metadata }, { threads });
  });
  const { user, system } = process.cpuUsage(before);
  const processorMs = (user + system) / MICROSECONDS_PER_MS;
  answer({ buildMs, processorMs, bytes: fileBytes(path), versions: engine.versions, ...parts });
});
