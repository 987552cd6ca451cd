// Opens one engine's index and searches as it is asked to. Task: { engine, path, queryCount }.
// Questions: { use } takes a setting; { find: k } answers the rows that each query finds; { rate: k } answers queries
// per second.

import { answer, answerEach, attempt, givenTask } from '../lib/child.mjs';
import { loadQuerySet } from '../lib/data.mjs';
import { ENGINES, loadEngine, queriesFor } from '../lib/engines.mjs';
import { queriesPerSecond } from '../lib/measure.mjs';

await attempt(async () => {
  const { engine: name, path, queryCount } = givenTask();
  const querySet = loadQuerySet();
  const queries = queriesFor(name, querySet, queryCount);
  const engine = await loadEngine(name);
  const index = await engine.open(path, querySet.dimensions);
  const isAwaited = ENGINES[name].isAwaited ?? false;
  let search;
  answerEach(async ({ use, find, rate }) => {
    if (use !== undefined) {
      search = await index.use(use);
      return {};
    }
    if (rate !== undefined) {
      return { rate: await queriesPerSecond(queries, (query) => search(query, rate), { isAwaited }) };
    }
    const rows = [];
    for (const query of queries) rows.push(index.rowsOf(await search(query, find)));
    return { rows };
  });
  answer({});
});
