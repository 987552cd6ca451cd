// node scripts/sabotage.mjs: takes one safeguard of the engine out at a time and looks whether the tests notice.
// The switches are in crates/rvf-wire/src/sabotage.rs; they exist only in builds with the feature `sabotage`.
// Ends with status 1 if the tests fail without sabotage, or pass with it. Names of switches as arguments choose some.

import { spawn } from 'node:child_process';
import { root } from './lib/steps.mjs';

const SWITCHES = {
  'no-hash-check': 'blocks are not compared with their hashes when they are touched first',
  'hash-payload-only': 'content hashes do not cover the segment header',
  'scan-for-root': 'the newest root is looked for in all bytes of the file',
  'no-fsync': 'commits are acknowledged before they are durable',
  'no-lock': 'a writer does not ask for the lock',
};

/** Sabotage may make a test wait for what never comes; after so long it counts as noticed. */
const HANG_MINUTES = 20;

const TEST = ['test', '--package=rvf-runtime', '--features=sabotage'];

/** Runs cargo and answers its status, output and time; `undefined` as the status where it was stopped. */
function cargo(args, sabotage) {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const env = { ...process.env, CARGO_TERM_COLOR: 'never' };
    delete env.RVF_SABOTAGE;
    if (sabotage) env.RVF_SABOTAGE = sabotage;
    // A group of its own, so that what the tests started ends with them.
    const child = spawn('cargo', args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const timer = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), HANG_MINUTES * 60_000);
    const chunks = [];
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      const seconds = (performance.now() - started) / 1000;
      resolve({ status: signal ? undefined : status, output: Buffer.concat(chunks).toString(), seconds });
    });
  });
}

/** The tests that failed, with the programs they are in. */
function failures(output) {
  const failed = [];
  let program = '';
  for (const line of output.split('\n')) {
    program = /^ *Running (?:unittests )?(\S+)/.exec(line)?.[1] ?? program;
    const name = /^test (.+) \.\.\. FAILED$/.exec(line)?.[1];
    if (name) failed.push(`${program.split('/').at(-1).replace('.rs', '')}: ${name}`);
    if (/\(signal: \d+/.test(line)) failed.push(`${program}: ended by a signal`);
  }
  return failed;
}

function report(name, verdict, seconds, details) {
  console.log(
    `${name.padEnd(20)} ${verdict.padEnd(12)} ${seconds.toFixed(0).padStart(5)} s  ${details[0] ?? ''}`,
  );
  for (const detail of details.slice(1, 4)) console.log(`${' '.repeat(43)}${detail}`);
  if (details.length > 4) console.log(`${' '.repeat(43)}and ${details.length - 4} more`);
}

const asked = process.argv.slice(2);
const unknown = asked.find((name) => !Object.hasOwn(SWITCHES, name));
if (unknown !== undefined) throw new Error(`'${unknown}' is none of ${Object.keys(SWITCHES).join(', ')}`);

const built = await cargo([...TEST, '--no-run']);
if (built.status !== 0) {
  console.log(built.output);
  throw new Error('the tests do not build');
}

let isAllRight = true;
const whole = await cargo([...TEST, '--no-fail-fast']);
const wholeFailures = failures(whole.output);
report('(nothing)', whole.status === 0 ? 'passes' : 'FAILS', whole.seconds, wholeFailures);
if (whole.status !== 0) isAllRight = false;

for (const [name, what] of Object.entries(SWITCHES)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  // The first program with a failing test is enough.
  const run = await cargo(TEST, name);
  const failed = run.status === undefined ? ['a test did not end'] : failures(run.output);
  const isNoticed = run.status !== 0 && failed.length > 0;
  if (!isNoticed) isAllRight = false;
  report(name, isNoticed ? 'noticed' : 'UNNOTICED', run.seconds, isNoticed ? failed : [what]);
}

console.log(isAllRight ? 'Every sabotage is noticed.' : 'The tests do not prove what they should.');
process.exitCode = isAllRight ? 0 : 1;
