// Timing, medians, and the alternation that makes figures of a shared machine comparable.

export function median(values) {
  return quantile(values, 0.5);
}

/** The value below which `share` of the values lie; between two neighbours it is interpolated. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const below = Math.floor(place);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
}

/** Milliseconds that `work` takes, awaited. */
export async function elapsedMs(work) {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/**
 * Measures subjects in turns, so that whatever else the machine does meets all of them: each round measures every
 * subject once, every other round in the opposite order. A subject answers its own figure of a round.
 *
 * @returns The figures of each subject, in the order of the rounds.
 */
export async function alternate(rounds, subjects) {
  const names = Object.keys(subjects);
  const figures = Object.fromEntries(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? names : names.toReversed();
    for (const name of order) figures[name].push(await subjects[name](round));
  }
  return figures;
}

/** The median over the rounds of one subject's figure divided by the other's of the same round. */
export function pairedRatio(figures, others) {
  return median(figures.map((figure, round) => figure / others[round]));
}

/**
 * Queries per second of searches one after another: passes over all queries, as many as take long enough for the clock.
 * What `search` answers is awaited where `isAwaited`, and only there: awaiting costs time of its own.
 */
export async function queriesPerSecond(queries, search, { isAwaited = false, leastMs = 300 } = {}) {
  const started = performance.now();
  let asked = 0;
  do {
    if (isAwaited) for (const query of queries) await search(query);
    else for (const query of queries) search(query);
    asked += queries.length;
  } while (performance.now() - started < leastMs);
  return asked / ((performance.now() - started) / 1000);
}

/** Queries per second where `width` are under way at any time, for at least `leastMs`. */
export async function inFlightRate(queries, search, width, leastMs = 300) {
  const started = performance.now();
  let next = 0;
  const keepAsking = async () => {
    while (performance.now() - started < leastMs) {
      const query = queries[next % queries.length];
      next += 1;
      await search(query);
    }
  };
  await Promise.all(Array.from({ length: width }, keepAsking));
  return next / ((performance.now() - started) / 1000);
}

/** By how much a timer of a millisecond was late at most while `work` was awaited: how long the event loop stood still. */
export async function longestStallMs(work) {
  let longest = 0;
  let due;
  let timer;
  const arm = () => {
    due = performance.now() + 1;
    timer = setTimeout(tick, 1);
  };
  const tick = () => {
    longest = Math.max(longest, performance.now() - due);
    arm();
  };
  arm();
  await work();
  clearTimeout(timer);
  // What stood still to the very end kept the last timer from firing.
  return Math.max(longest, performance.now() - due);
}
