// Writes the reports of benchmark runs: node bench/report.mjs RESULT.json...
// Each RESULT.json is what `npm run bench -- --json RESULT.json` wrote; the reports say nothing that is not in them. Where
// several hold the same section, that of the last one counts. A report that no result has a section of stays as it is.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../scripts/lib/steps.mjs';
import { count } from './lib/format.mjs';
import { tally, verdict } from './lib/rows.mjs';
import { searchCharts } from './lib/search-charts.mjs';
import { tableLines } from './lib/table.mjs';

const FOLDER = join(root, 'docs/benchmarks');
const SEARCH = ['recall', 'compression', 'filtered', 'calls', 'scale', 'processes'];
const REPORTS = [
  {
    file: 'store.md',
    title: 'Measurements of the store',
    has: (name) => !SEARCH.includes(name),
    chartsOf: () => ({}),
  },
  {
    file: 'search.md',
    title: 'Measurements of searching',
    has: (name) => SEARCH.includes(name),
    chartsOf: searchCharts,
  },
];
/** Which section each chart belongs to, and what it shows. */
const CHARTS = {
  'recall.svg': { section: 'recall', alt: 'Recall against queries per second, one line for each engine' },
  'scale.svg': { section: 'scale', alt: 'Cost of each operation by the number of rows' },
};

const paths = process.argv.slice(2);
if (paths.length === 0) throw new Error('usage: node bench/report.mjs RESULT.json...');

const results = withoutReplaced(paths.map((path) => JSON.parse(readFileSync(path, 'utf8'))));
for (const report of REPORTS) write(report);

/** The results, each with the sections that no later result has. */
function withoutReplaced(all) {
  return all.map((result, index) => {
    const later = all.slice(index + 1).flatMap(({ sections }) => sections.map(({ name }) => name));
    return { ...result, sections: result.sections.filter(({ name }) => !later.includes(name)) };
  });
}

function write({ file, title, has, chartsOf }) {
  const own = results
    .map((result) => ({ ...result, sections: result.sections.filter(({ name }) => has(name)) }))
    .filter(({ sections }) => sections.length > 0);
  if (own.length === 0) return;
  const charts = chartsOf(own.flatMap(({ sections }) => sections));
  for (const [name, svg] of Object.entries(charts)) writeFileSync(join(FOLDER, name), svg);
  writeFileSync(join(FOLDER, file), reportOf(title, own, charts));
}

function reportOf(title, own, charts) {
  const { met, judged } = tally(own.flatMap(({ sections }) => sections));
  return `${[
    `# ${title}`,
    '',
    'Written by `node bench/report.mjs` from the results of runs. How the figures are taken, and what they mean:',
    '[benchmarks](../benchmarks.md).',
    ...own.flatMap((result) => ['', ...facts(result)]),
    '',
    `**${met} of ${judged} criteria are met.**`,
    ...own.flatMap(({ sections, command }) => sections.flatMap((each) => section(each, command, charts))),
  ].join('\n')}\n`;
}

function facts({ command, date, build, data, machine, versions }) {
  const { processor, threads, memoryGiB, system, fileSystem } = machine;
  return tableLines(
    ['', ''],
    [
      ['command', `\`${command}\``],
      ['date', date],
      ['build', build],
      ['data', `${data.name}: ${count(data.rows)} rows, ${data.dimensions} dimensions`],
      ['machine', `${processor}, ${threads} threads, ${memoryGiB} GiB; ${system}; ${fileSystem}`],
      ...Object.entries(versions),
    ],
  );
}

/** A table of the section's rows; below it how they were measured, each way once and by number; then its other tables. */
function section({ name, title, rows, tables = [], warnings, failure }, command, charts) {
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
    `Taken by \`${command}\`.`,
    '',
    ...warnings.flatMap((warning) => [`**Not for publishing: ${warning}.**`, '']),
    ...tableLines(['what', 'figure', 'criterion', '', 'how'], cells),
    '',
    ...ways.map((how, index) => `${index + 1}. ${how}`),
    ...Object.entries(CHARTS)
      .filter(([file, chart]) => chart.section === name && file in charts)
      .flatMap(([file, { alt }]) => ['', `![${alt}](${file})`]),
    ...tables.flatMap((table) => [
      '',
      `### ${table.caption}`,
      '',
      ...tableLines(table.headings, table.cells),
      '',
      `Taken by \`${command}\`: ${table.how}.`,
    ]),
  ];
}
