// Writes the report of a benchmark run: node bench/report.mjs RESULT.json [REPORT.md]
// RESULT.json is what `npm run bench -- --json RESULT.json` wrote; the report says nothing that is not in it.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../scripts/lib/steps.mjs';
import { count } from './lib/format.mjs';
import { tally, verdict } from './lib/rows.mjs';

const [resultPath, reportPath = join(root, 'docs/benchmarks/store.md')] = process.argv.slice(2);
if (resultPath === undefined) throw new Error('usage: node bench/report.mjs RESULT.json [REPORT.md]');

writeFileSync(reportPath, reportOf(JSON.parse(readFileSync(resultPath, 'utf8'))));

function reportOf(result) {
  const { met, judged } = tally(result.sections);
  return `${[
    '# Measurements of the store',
    '',
    'Written by `node bench/report.mjs` from the result of a run. How the figures are taken, and what they mean:',
    '[benchmarks](../benchmarks.md).',
    '',
    ...facts(result),
    '',
    `**${met} of ${judged} criteria are met.**`,
    ...result.sections.flatMap(section),
  ].join('\n')}\n`;
}

function facts({ command, date, build, rounds, data, machine, versions }) {
  const { processor, threads, memoryGiB, system, fileSystem } = machine;
  return table(
    ['', ''],
    [
      ['command', `\`${command}\``],
      ['date', date],
      ['build', build],
      ['data', `${data.name}: ${count(data.rows)} rows, ${data.dimensions} dimensions`],
      ['rounds', String(rounds)],
      ['machine', `${processor}, ${threads} threads, ${memoryGiB} GiB; ${system}; ${fileSystem}`],
      ...Object.entries(versions),
    ],
  );
}

/** A table of the section's rows; below it how they were measured, each way once and by number. */
function section({ title, rows, warnings, failure }) {
  if (failure !== undefined) return ['', `## ${title}`, '', `**This section failed: ${failure}**`];
  const ways = [...new Set(rows.map(({ how }) => how))];
  const cells = rows.map((row) => [
    row.what,
    row.figure,
    row.criterion ?? '',
    verdict(row) === 'MISSED' ? '**MISSED**' : verdict(row),
    String(ways.indexOf(row.how) + 1),
  ]);
  return [
    '',
    `## ${title}`,
    '',
    ...warnings.flatMap((warning) => [`**Not for publishing: ${warning}.**`, '']),
    ...table(['what', 'figure', 'criterion', '', 'how'], cells),
    '',
    ...ways.map((how, index) => `${index + 1}. ${how}`),
  ];
}

/** A table in the form that formatters leave alone: cells padded to the width of their column. */
function table(headings, rows) {
  const escaped = [headings, ...rows].map((cells) => cells.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = headings.map((_, column) => Math.max(3, ...escaped.map((cells) => cells[column].length)));
  const line = (cells) => `| ${cells.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  const [head, ...body] = escaped;
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...body.map(line)];
}
