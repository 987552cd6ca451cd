// Programs that run in a process of their own: they get their task as an argument, answer with one message, or with one to
// each question, and are killed, because what is measured is often what a killed process leaves behind.

import { fork, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const folder = new URL('../children/', import.meta.url);

/** Whether the system can hold a process, with all its threads, to one processor. */
export const canPin = spawnSync('taskset', ['--version'], { stdio: 'ignore' }).status === 0;

/**
 * Starts a child and waits for its answer; it then goes on living, and answers what it is asked if it was made for that, until
 * `kill` has been awaited. `isPinned` holds it to one processor.
 */
export async function startChild(name, task, { isPinned = false } = {}) {
  const nodeArgs = ['--expose-gc'];
  const child = fork(fileURLToPath(new URL(`${name}.mjs`, folder)), [JSON.stringify(task)], {
    ...(isPinned && { execPath: 'taskset' }),
    execArgv: isPinned ? ['-c', '0', process.execPath, ...nodeArgs] : nodeArgs,
    // Rows of many queries are many numbers, which this way need not become JSON.
    serialization: 'advanced',
  });
  const ended = new Promise((resolve) => {
    child.once('exit', (status, signal) => resolve(signal ?? status));
  });
  const answer = await nextMessage(child, name);
  return {
    answer,
    ended,
    ask: (question) => {
      child.send(question);
      return nextMessage(child, name);
    },
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** The child's next message; fails where it is that the child failed, or where the child ends instead. */
function nextMessage(child, name) {
  return new Promise((resolve, reject) => {
    const settle = (finish) => {
      child.off('message', onMessage).off('error', onError).off('exit', onExit);
      finish();
    };
    const onMessage = (message) =>
      settle(() => (message.failure === undefined ? resolve(message) : reject(new Error(message.failure))));
    const onError = (error) => settle(() => reject(error));
    const onExit = (status, signal) =>
      settle(() => reject(new Error(`${name} ended with ${signal ?? status}`)));
    child.on('message', onMessage).on('error', onError).on('exit', onExit);
  });
}

/** Runs a child, kills it once it has answered, and returns the answer. */
export async function runChild(name, task, options) {
  const { answer, kill } = await startChild(name, task, options);
  await kill();
  return answer;
}

/** Runs a child that ends by itself, and returns its answer once it has. */
export async function runChildToItsEnd(name, task) {
  const { answer, ended } = await startChild(name, task);
  const status = await ended;
  if (status !== 0) throw new Error(`${name} ended with ${status}`);
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

/** In a child: answers, and lets the process end as soon as nothing else keeps it. */
export function lastAnswer(message) {
  process.send(message, () => process.disconnect());
}

/** In a child: answers one question after another, until it is killed. */
export function answerEach(respond) {
  process.on('message', async (question) => {
    try {
      answer(await respond(question));
    } catch (error) {
      answer({ failure: error.message });
    }
  });
}

/** In a child: does its work; a failure of it is its answer, and goes to whoever waits for one. */
export async function attempt(work) {
  try {
    await work();
  } catch (error) {
    answer({ failure: error.message });
  }
}
