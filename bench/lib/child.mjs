// Programs that run in a process of their own: they get their task as an argument, answer with one message, and are
// killed, because what is measured is often what a killed process leaves behind.

import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const folder = new URL('../children/', import.meta.url);

/** Starts a child and waits for its answer; it then goes on living until `kill` has been awaited. */
export async function startChild(name, task) {
  const child = fork(fileURLToPath(new URL(`${name}.mjs`, folder)), [JSON.stringify(task)], {
    execArgv: ['--expose-gc'],
  });
  const ended = new Promise((resolve) => {
    child.once('exit', resolve);
  });
  const answer = await new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('error', reject);
    child.once('exit', (status, signal) => reject(new Error(`${name} ended with ${signal ?? status}`)));
  });
  return {
    answer,
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Runs a child, kills it once it has answered, and returns the answer. */
export async function runChild(name, task) {
  const { answer, kill } = await startChild(name, task);
  await kill();
  return answer;
}

/** In a child: the task it was given. */
export function givenTask() {
  return JSON.parse(process.argv[2]);
}

/** In a child: answers, and waits to be killed. */
export function answer(message) {
  process.send(message);
}
