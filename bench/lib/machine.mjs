// What the figures were taken on, for the report. No path and no name of the machine is in it.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { cpus, release, totalmem, type } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { root } from '../../scripts/lib/steps.mjs';

const BUSY_SAMPLE_MS = 1_500;

export function describeMachine() {
  return {
    processor: cpus()[0].model,
    threads: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release().split('-')[0]}, ${process.arch}`,
    fileSystem: fileSystem(),
  };
}

export function describeVersions(rvf) {
  const ask = (command, args) => spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  const rust = ask('rustc', ['--version']);
  const commit = ask('git', ['rev-parse', '--short', 'HEAD']);
  const changed = ask('git', ['status', '--porcelain']);
  return {
    '@ruvector/rvf': rvf,
    'Node.js': process.versions.node,
    ...(rust.status === 0 && { Rust: rust.stdout.split(' ')[1] }),
    ...(commit.status === 0 && {
      commit: commit.stdout.trim() + (changed.stdout === '' ? '' : ' and uncommitted changes'),
    }),
  };
}

/** The share of the processors' time that others take, while this program waits. */
export async function busyShare() {
  const before = processorTimes();
  await delay(BUSY_SAMPLE_MS);
  const after = processorTimes();
  return 1 - (after.idle - before.idle) / (after.all - before.all);
}

function processorTimes() {
  const times = cpus().map((processor) => processor.times);
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  return { idle: sum(times.map(({ idle }) => idle)), all: sum(times.flatMap(Object.values)) };
}

/** The type of the file system that the repository is on, where Linux tells. */
function fileSystem() {
  let mounts;
  try {
    mounts = readFileSync('/proc/mounts', 'utf8').trim().split('\n');
  } catch {
    return 'unknown';
  }
  const candidates = mounts
    .map((line) => line.split(' '))
    .filter(([, point]) => root.startsWith(point === '/' ? point : `${point}/`))
    .sort(([, left], [, right]) => right.length - left.length);
  return candidates[0]?.[2] ?? 'unknown';
}
