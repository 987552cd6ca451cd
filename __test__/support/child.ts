import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** How a process ended. */
export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  output: string;
}

/** A process that runs a piece of a module over the built package, and what it prints. */
export class Child {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  #output = '';
  #onOutput: (() => void) | undefined;

  /**
   * @param body - Statements; `RvfDatabase`, `RvfError` and `RvfErrorCode` are imported, `args` is there.
   */
  constructor(body: string, ...args: string[]) {
    const source = `import { RvfDatabase, RvfError, RvfErrorCode } from '@ruvector/rvf';
      const args = process.argv.slice(1);
      ${body}`;
    const command = ['--input-type=module', '--eval', source, '--', ...args];
    this.process = spawn(process.execPath, command, { cwd: ROOT, stdio: ['pipe', 'pipe', 'pipe'] });
    // A test that fails leaves no process behind.
    onTestFinished(() => {
      this.process.kill('SIGKILL');
    });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#output += text;
        this.#onOutput?.();
      });
    }
    this.ended = new Promise((resolve, reject) => {
      this.process.on('error', reject);
      this.process.on('close', (code, signal) => {
        resolve({ code, signal, output: this.#output });
        this.#onOutput?.();
      });
    });
  }

  /** Waits until the process has printed a text. */
  async prints(text: string): Promise<void> {
    while (!this.#output.includes(text)) {
      if (this.process.exitCode !== null || this.process.signalCode !== null) {
        throw new Error(`the process ended without printing ${text}; it printed: ${this.#output}`);
      }
      await new Promise<void>((resolve) => {
        this.#onOutput = resolve;
      });
    }
  }

  /** `kill -9`, and waits for the end. */
  async kill(): Promise<Ended> {
    this.process.kill('SIGKILL');
    return this.ended;
  }
}

/** Runs a process to its end and reads the JSON that it printed. */
export async function answerOf(body: string, ...args: string[]): Promise<unknown> {
  const { code, output } = await new Child(body, ...args).ended;
  if (code !== 0) {
    throw new Error(`the process ended with ${code}; it printed: ${output}`);
  }
  return JSON.parse(output);
}
