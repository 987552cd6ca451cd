// Whether opening grows with the number of distinct values that the metadata has.

import { RvfDatabase } from '@ruvector/rvf';
import { count, milliseconds } from '../lib/format.mjs';
import { alternate, median } from '../lib/measure.mjs';
import { judged } from '../lib/rows.mjs';
import { freshPath, removeFile } from '../lib/scratch.mjs';

export const title = 'Opening, by the number of distinct values';

const DISTINCT = [10, 1_000, 50_000];
const ROWS = { full: 50_000, quick: 5_000 };
const BATCH_ROWS = 5_000;
const GROWTH_MAX = 1.5;
const SLACK_MS = 0.3;

export async function run({ rounds, quick }) {
  const rows = quick ? ROWS.quick : ROWS.full;
  const paths = new Map();
  for (const distinct of DISTINCT) paths.set(distinct, await build(distinct, rows));
  const turns = [...paths].map(([distinct, path]) => [distinct, () => openMs(path)]);
  const figures = await alternate(rounds * 3, Object.fromEntries(turns));
  for (const path of paths.values()) removeFile(path);

  const least = median(figures[DISTINCT[0]]);
  return {
    rows: DISTINCT.map((distinct) => {
      const ms = median(figures[distinct]);
      return judged({
        what: `open, ${count(distinct)} distinct strings and as many numbers`,
        figure: milliseconds(ms),
        value: ms,
        criterion: `<= ${GROWTH_MAX}x that of ${DISTINCT[0]}, + ${SLACK_MS} ms`,
        met: ms <= least * GROWTH_MAX + SLACK_MS,
        how: `open after a clean close in a process that has the engine loaded, ${count(rows)} entries with three fields, medians of ${rounds * 3} rounds in turns`,
      });
    }),
    samples: { figures },
  };
}

async function build(distinct, rows) {
  const path = freshPath(`distinct-${distinct}.rvf`);
  const db = await RvfDatabase.create(path, { dimensions: 8, metric: 'l2' });
  for (let start = 0; start < rows; start += BATCH_ROWS) {
    const entries = Array.from({ length: Math.min(BATCH_ROWS, rows - start) }, (_, index) => {
      const row = start + index;
      const value = (row * 7_919) % distinct;
      const vector = Float32Array.from({ length: 8 }, (_, place) => Math.sin(row + place));
      return { id: `row-${row}`, vector, metadata: { name: `value number ${value}`, value, row: 'always' } };
    });
    await db.ingestBatch(entries);
  }
  await db.close();
  return path;
}

async function openMs(path) {
  const started = performance.now();
  const db = await RvfDatabase.open(path);
  const elapsed = performance.now() - started;
  await db.close();
  return elapsed;
}
