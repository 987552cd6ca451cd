// @ts-check
// How the quick start prints what it does.

const live = process.stdout.isTTY === true;
const BAR_COLUMNS = 30;
const TEXT_COLUMNS = 62;

/** @param {string} text */
const bold = (text) => (live ? `\x1b[1m${text}\x1b[0m` : text);

/** @param {string} text */
export function heading(text) {
  console.log(`\n${bold(text)}`);
}

/** @param {string} text */
export function line(text) {
  console.log(`  ${text}`);
}

/**
 * A bar that is drawn over itself; where the output is not a terminal, only the full one is printed.
 *
 * @param {number} done
 * @param {number} total
 */
export function progress(done, total) {
  if (!live && done < total) return;
  const filled = Math.round((done / total) * BAR_COLUMNS);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_COLUMNS - filled);
  process.stdout.write(
    `${live ? '\r' : ''}  ${bar} ${number(done)} / ${number(total)} rows${done === total ? '\n' : ''}`,
  );
}

/**
 * A question with its nearest rows. The score is the cosine similarity: 1 is the same direction, 0 unrelated.
 *
 * @param {string} question
 * @param {number} elapsedMs
 * @param {{ id: string, score: number, metadata?: { text: string } }[]} hits
 */
export function answer(question, elapsedMs, hits) {
  line(`${bold(`“${question}”`)}  ${milliseconds(elapsedMs)}`);
  for (const { id, score, metadata } of hits) {
    const text = metadata?.text ?? '';
    const shown = text.length > TEXT_COLUMNS ? `${text.slice(0, TEXT_COLUMNS - 1)}…` : text;
    line(`  ${score.toFixed(3)}  ${id.padEnd(24)} ${shown}`);
  }
}

/** @param {number} value */
export function number(value) {
  return value.toLocaleString('en-US');
}

/** @param {number} value in bytes */
export function bytes(value) {
  return `${(value / 1e6).toFixed(2)} MB`;
}

/** @param {number} value in milliseconds */
export function milliseconds(value) {
  return value < 10 ? `${value.toFixed(2)} ms` : `${value.toFixed(0)} ms`;
}

/** @param {number[]} values */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/**
 * Runs something and answers its result with the milliseconds it took.
 *
 * @template T
 * @param {() => Promise<T>} run
 * @returns {Promise<[T, number]>}
 */
export async function timed(run) {
  const started = performance.now();
  const result = await run();
  return [result, performance.now() - started];
}
