// npm test: installs, builds and runs every Rust and TypeScript test; ends with the line `N passed, N failed`.
// `npm test -- rust` and `npm test -- sdk` run one half.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildAddon, buildSdk, ensureInstalled, ensureRust, runTool } from './lib/project.mjs';
import { attempt, StepFailed } from './lib/steps.mjs';

/** What has to compile for WebAssembly: everything below the addon. */
const PORTABLE_CRATES = [
  'rvf-types',
  'rvf-wire',
  'rvf-manifest',
  'rvf-quant',
  'rvf-crypto',
  'rvf-filter',
  'rvf-index',
  'rvf-layer',
  'rvf-runtime',
];

const total = { passed: 0, failed: 0, skipped: 0 };

/** Adds what a test run counted. A run that failed without counting a failure (it did not compile, it died) is one. */
function add({ ok }, counted) {
  total.passed += counted.passed;
  total.failed += ok ? counted.failed : Math.max(counted.failed, 1);
  total.skipped += counted.skipped;
  console.log(`    ${counted.passed} passed, ${counted.failed} failed, ${counted.skipped} skipped`);
}

async function rust() {
  const run = await attempt('Rust tests', 'cargo', ['test', '--workspace', '--no-fail-fast']);
  const counted = { passed: 0, failed: 0, skipped: 0 };
  for (const [, passed, failed, ignored] of run.output.matchAll(
    /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored/gm,
  )) {
    counted.passed += Number(passed);
    counted.failed += Number(failed);
    counted.skipped += Number(ignored);
  }
  add(run, counted);

  const packages = PORTABLE_CRATES.flatMap((name) => ['--package', name]);
  const portable = await attempt('Compiles for WebAssembly', 'cargo', [
    'check',
    '--target=wasm32-unknown-unknown',
    ...packages,
  ]);
  if (!portable.ok) total.failed += 1;
}

async function sdk() {
  await ensureInstalled();
  await buildAddon();
  await buildSdk();
  const folder = mkdtempSync(join(tmpdir(), 'rvf-test-'));
  try {
    const report = join(folder, 'report.json');
    const run = await runTool('SDK tests', 'vitest', [
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ]);
    add(run, readReport(report));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readReport(path) {
  let report;
  try {
    report = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    // The runner died before it wrote its report; `add` counts that as a failure.
    return { passed: 0, failed: 0, skipped: 0 };
  }
  // A file that fails to load has no failed test, only a failed result.
  const broken = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  ).length;
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

const halves = { rust, sdk };
const asked = process.argv.slice(2);
const unknown = asked.find((name) => !Object.hasOwn(halves, name));
if (unknown !== undefined) throw new Error(`'${unknown}' is neither 'rust' nor 'sdk'`);

console.log('Testing');
await ensureRust();
for (const name of asked.length > 0 ? asked : Object.keys(halves)) {
  try {
    await halves[name]();
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    console.log(error.message);
    total.failed += 1;
  }
}

if (total.passed + total.failed === 0) {
  console.log('No test ran.');
  total.failed = 1;
}
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed === 0 ? 0 : 1;
