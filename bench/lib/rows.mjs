// The rows of a section: what was measured, its figure, the criterion it is held to, and how it was measured.

import { tableLines } from './table.mjs';

/**
 * A figure that is held to a criterion.
 *
 * @param {{ what: string, figure: string, value: number, criterion: string, met: boolean, how: string }} row
 */
export function judged({ what, figure, value, criterion, met, how }) {
  return { what, figure, value, criterion, met, how };
}

/** A figure that is reported beside the others. */
export function reported({ what, figure, value, how }) {
  return { what, figure, value, criterion: null, met: null, how };
}

export function verdict({ met }) {
  if (met === null) return '';
  return met ? 'met' : 'MISSED';
}

const WHAT_COLUMNS = 66;
const VERDICT_COLUMNS = 8;

/** A table that is not of the rows above: `headings`, `cells` row by row, and `how` they were measured. */
function printTable({ caption, headings, cells, how }) {
  console.log(`\n  ${caption}: ${how}`);
  for (const line of tableLines(headings, cells)) console.log(`  ${line}`);
}

export function printSection({ title, rows, warnings, failure, tables = [] }) {
  console.log(`\n${[title, ...warnings.map((warning) => `WARNING: ${warning}`)].join('\n  ')}`);
  if (failure !== undefined) console.log(`  FAILED: ${failure}`);
  let lastHow;
  for (const row of rows) {
    const line = `  ${verdict(row).padEnd(VERDICT_COLUMNS)}${row.what.padEnd(WHAT_COLUMNS)} ${row.figure}`;
    console.log(row.criterion === null ? line : `${line}   (criterion: ${row.criterion})`);
    if (row.how !== lastHow) console.log(`  ${' '.repeat(VERDICT_COLUMNS)}  ${row.how}`);
    lastHow = row.how;
  }
  for (const table of tables) printTable(table);
}

/** How many of the sections' criteria are met. */
export function tally(sections) {
  const judgedRows = sections.flatMap(({ rows }) => rows).filter(({ met }) => met !== null);
  return { met: judgedRows.filter(({ met }) => met).length, judged: judgedRows.length };
}
