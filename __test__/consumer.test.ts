import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { useFolder } from './support/host.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PROGRAM = fileURLToPath(new URL('consumer/program.ts', import.meta.url));
const COMPILER = join(ROOT, 'node_modules/typescript/bin/tsc');

/** Where each SDK is installed; the published one is a development dependency under another name. */
const SDKS = { published: join(ROOT, 'node_modules/rvf-published'), ours: ROOT };

const COMPILER_OPTIONS = {
  target: 'ES2022',
  module: 'NodeNext',
  lib: ['ES2022'],
  types: [],
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
};

/** What the program finds; the published package compiles it and finds the same. */
const EXPECTED = {
  ingested: [4, 0, 'number'],
  nearest: [
    ['first', 0],
    ['second', 0.4],
  ],
  typed: [['third', 0]],
  deleted: 1,
  status: [3, 'idle', false, 0, true],
  segments: true,
  identity: ['0'.repeat(32), 0, 32, 4],
  compacted: ['number', 'number'],
  afterCompact: [
    ['first', 0],
    ['second', 0.4],
    ['third', 1],
  ],
  wrongLength: 'DimensionMismatch',
  open: false,
  closed: true,
  afterClose: ['StoreClosed', 'StoreClosed'],
  reopened: ['first', 'second', 'third'],
  replaced: ['first'],
  reader: [true, 3],
};

describe('a program written for the published SDK', () => {
  const path = useFolder();

  function compileAndRun(sdk: keyof typeof SDKS, type: 'module' | 'commonjs'): unknown {
    const project = path(`${sdk}-${type}`);
    const installed = join(project, 'node_modules/@ruvector/rvf');
    mkdirSync(dirname(installed), { recursive: true });
    symlinkSync(SDKS[sdk], installed);
    copyFileSync(PROGRAM, join(project, 'program.ts'));
    writeFileSync(join(project, 'package.json'), JSON.stringify({ type }));
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: COMPILER_OPTIONS }));
    run([COMPILER, '-p', project]);
    return JSON.parse(run([join(project, 'program.js'), join(project, 'store.rvf')])) as unknown;
  }

  function run(command: string[]): string {
    try {
      return execFileSync(process.execPath, command, { encoding: 'utf8', stdio: 'pipe' });
    } catch (error) {
      throw new Error(`${command.join(' ')}: ${(error as { stdout?: string }).stdout}`, { cause: error });
    }
  }

  test.each(['module', 'commonjs'] as const)('compiles and runs against ours, as %s', (type) => {
    expect(compileAndRun('ours', type)).toEqual(EXPECTED);
  });

  test('compiles and runs against the published package', () => {
    expect(compileAndRun('published', 'commonjs')).toEqual(EXPECTED);
  });
});
