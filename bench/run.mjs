// npm run bench: measures the store, and says of each figure whether it meets its criterion.
//   --only NAME,...    sections: ingest, inserts, growth, scan, filters, distinct, open, compaction, recall, compression,
//                      filtered, calls, scale, processes
//   --quick            small sizes, few rounds: to see that it runs, not for figures
//   --large            in the sections scale and compression also stores of a million rows, which takes long
//   --rounds N         how often each subject is measured; medians are reported
//   --json [FILE]      the result as JSON, for bench/report.mjs; without FILE on the standard output, all else on the
//                      standard error
//   --no-build         measure the addon that is there, whatever its build

import { writeFileSync } from 'node:fs';
import { main } from '../scripts/lib/steps.mjs';
import { loadData } from './lib/data.mjs';
import { count } from './lib/format.mjs';
import { busyShare, describeMachine, describeVersions } from './lib/machine.mjs';
import { commandOf, readOptions } from './lib/options.mjs';
import { printSection, tally } from './lib/rows.mjs';
import { clearScratch, removeScratch } from './lib/scratch.mjs';
import { buildRelease, installPeers } from './lib/setup.mjs';

/** Above this share of the processors' time taken by others, figures say more about them than about the store. */
const BUSY_SHARE_MAX = 0.1;

const SECTIONS = [
  'ingest',
  'inserts',
  'growth',
  'scan',
  'filters',
  'distinct',
  'open',
  'compaction',
  'recall',
  'compression',
  'filtered',
  'calls',
  'scale',
  'processes',
];

const WITH_PEERS = ['scan', 'filters', 'recall', 'compression', 'filtered'];

await main(async () => {
  const options = readOptions(process.argv.slice(2), SECTIONS);
  const writeToOutput = process.stdout.write.bind(process.stdout);
  if (options.json === '') {
    // The JSON is all that may be on the standard output.
    process.stdout.write = process.stderr.write.bind(process.stderr);
  }
  const text = `${JSON.stringify(await bench(options), null, 2)}\n`;
  if (options.json === '') writeToOutput(text);
  else if (options.json !== undefined) writeFileSync(options.json, text);
});

/** Prepares, measures and prints; answers all that a report needs. */
async function bench(options) {
  console.log('Preparing');
  if (options.build) await buildRelease();
  const needsPeers = options.only.some((name) => WITH_PEERS.includes(name));
  const peersMissing = needsPeers ? await installPeers() : undefined;

  // Only now is there something to import.
  const { version } = await import('@ruvector/rvf');
  const data = loadData(options);
  const result = {
    command: commandOf(options, SECTIONS),
    date: new Date().toISOString().slice(0, 10),
    build: options.build ? 'release' : 'as found',
    rounds: options.rounds,
    data: { name: data.name, isFull: data.isFull, rows: data.rows, dimensions: data.dimensions },
    machine: describeMachine(),
    versions: describeVersions(version),
    warnings: warningsOf(data, options),
    sections: [],
  };
  console.log(
    `\n${count(data.rows)} rows of ${data.name}, ${data.dimensions} dimensions, ${options.rounds} rounds`,
  );

  clearScratch();
  try {
    for (const name of options.only) {
      const { versions, ...section } = await measure(
        name,
        { data, peersMissing, ...options },
        result.warnings,
      );
      Object.assign(result.versions, versions);
      result.sections.push(section);
      printSection(section);
    }
  } finally {
    removeScratch();
  }
  const { met, judged } = tally(result.sections);
  console.log(`\n${met} of ${judged} criteria met`);
  return result;
}

/** One section's figures. One that fails costs no other its figures, but the run its success. */
async function measure(name, context, warningsOfRun) {
  const { title, run } = await import(`./sections/${name}.mjs`);
  const warnings = [...warningsOfRun];
  const busy = await busyShare();
  if (busy > BUSY_SHARE_MAX) {
    warnings.push(`the machine was busy: other programs took ${Math.round(busy * 100)} % of its processors`);
  }
  try {
    return { name, title, warnings, ...(await run(context)) };
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
    return { name, title, warnings, rows: [], failure: error.message };
  }
}

/** What makes figures unfit for publishing. */
function warningsOf(data, { quick, build }) {
  const warnings = [];
  if (!data.isFull) {
    warnings.push(
      'the full data set is not beside the repository: these are the 5,000 rows of examples/data',
    );
  }
  if (quick) warnings.push('--quick: sizes are small');
  if (!build) warnings.push('--no-build: the addon may be another build than the release');
  return warnings;
}
