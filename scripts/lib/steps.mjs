// Runs commands as steps: one line each, with its time; what a command printed is shown only when it fails.
// Everything under scripts/ uses Node's own modules alone, because it runs before anything is installed.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

const LABEL_COLUMNS = 44;
const live = process.stdout.isTTY === true;

/** The error of a step whose command failed; what the command printed has been shown by then. */
export class StepFailed extends Error {}

/**
 * Runs a command in the repository's root and answers its exit status and output. Prints one line; shows the output if
 * the command fails. A command that cannot be started counts as failed, with the reason as its output.
 */
export async function attempt(label, command, args, { env } = {}) {
  const started = performance.now();
  const seconds = () => `${((performance.now() - started) / 1000).toFixed(1).padStart(7)} s`;
  const head = `  ${label.padEnd(LABEL_COLUMNS)}`;
  process.stdout.write(head);

  let lastLine = '';
  const ticker = live
    ? setInterval(() => {
        const room = (process.stdout.columns ?? 80) - head.length - 13;
        process.stdout.write(`\r\x1b[K${head}${seconds()}  ${lastLine.slice(0, Math.max(room, 0))}`);
      }, 200)
    : undefined;

  const { status, output } = await collect(command, args, env, (line) => {
    lastLine = line;
  });

  clearInterval(ticker);
  const ok = status === 0;
  process.stdout.write(`${live ? `\r\x1b[K${head}` : ''}${seconds()}${ok ? '' : '  FAILED'}\n`);
  if (!ok) process.stdout.write(`\n$ ${[command, ...args].join(' ')}\n${output.trimEnd()}\n\n`);
  return { ok, output };
}

/** As `attempt`, but throws `StepFailed` where the command fails. Answers the output. */
export async function step(label, command, args, options) {
  const { ok, output } = await attempt(label, command, args, options);
  if (!ok) throw new StepFailed(`${label} failed`);
  return output;
}

/** Runs a command with the terminal handed to it, for programs whose output is what the person came for. */
export function show(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', (status, signal) => {
      if (status === 0) resolve();
      else reject(new StepFailed(`${args[0]} ended with ${signal ?? `status ${status}`}`));
    });
  });
}

/** Runs the body of a script; a failed step ends it with status 1 and one line. */
export async function main(body) {
  try {
    await body();
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

function collect(command, args, env, onLine) {
  return new Promise((resolve) => {
    const chunks = [];
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, CARGO_TERM_COLOR: 'never', NO_COLOR: '1', FORCE_COLOR: undefined, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const take = (chunk) => {
      chunks.push(chunk);
      const line = chunk.toString().trimEnd().split('\n').at(-1).trim();
      if (line) onLine(line);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.on('error', (error) => resolve({ status: -1, output: error.message }));
    child.on('close', (status, signal) => {
      const output = Buffer.concat(chunks).toString();
      resolve({ status: status ?? -1, output: signal ? `${output}\nended by ${signal}` : output });
    });
  });
}
