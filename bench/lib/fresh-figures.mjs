// What a fresh process pays for an index: open, first query, private memory. The page cache is warm.

import { runChild } from './child.mjs';
import { median } from './measure.mjs';

/** Medians over `rounds` processes. `privateBytes` leaves out clean pages of the index's own files; see the benchmarks' text. */
export async function freshFigures(task, rounds) {
  const answers = [];
  for (let round = 0; round < rounds; round += 1) answers.push(await runChild('first-query', task));
  const isMemoryKnown = answers[0].privateBytes !== undefined;
  return {
    openMs: median(answers.map(({ openMs }) => openMs)),
    firstQueryMs: median(answers.map(({ firstQueryMs }) => firstQueryMs)),
    privateBytes: isMemoryKnown
      ? median(answers.map((answer) => answer.privateBytes - answer.privateFileBytes))
      : undefined,
    privateFileBytes: isMemoryKnown ? median(answers.map((answer) => answer.privateFileBytes)) : undefined,
  };
}
