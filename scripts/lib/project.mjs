// What the scripts know about this project: how it is installed and built.

import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { attempt, root, StepFailed, step } from './steps.mjs';

/** Where the programs of the installed packages are; they are started with Node itself, which needs no shell. */
export const tools = {
  biome: 'node_modules/@biomejs/biome/bin/biome',
  napi: 'node_modules/@napi-rs/cli/dist/cli.js',
  tsc: 'node_modules/typescript/bin/tsc',
  vitest: 'node_modules/vitest/vitest.mjs',
};

export function runTool(label, tool, args, options) {
  return attempt(label, process.execPath, [tools[tool], ...args], options);
}

function requireTool(label, tool, args, options) {
  return step(label, process.execPath, [tools[tool], ...args], options);
}

/** Makes sure of the Rust toolchain that rust-toolchain.toml names; rustup installs it at the first use. */
export async function ensureRust() {
  const { ok } = await attempt('Rust toolchain', 'cargo', ['--version']);
  if (!ok)
    throw new StepFailed('Rust is needed to build the engine: install it with rustup, then start again.');
}

/** Installs the Node modules where they are missing or older than the lock file. */
export async function ensureInstalled() {
  const lock = join(root, 'package-lock.json');
  const installed = join(root, 'node_modules/.package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  // Not `npm ci`: it refuses a lock file without the optional packages of every platform, and npm leaves those out that
  // the registry it was written from does not hold. This installs what the lock file says, and writes nothing back.
  await npm('Node modules', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error']);
}

/** Runs npm as a step: the one that started this script, else the one on the path. */
export async function npm(label, args) {
  const running = process.env.npm_execpath;
  if (running && basename(running).startsWith('npm-cli')) {
    await step(label, process.execPath, [running, ...args]);
  } else if (process.platform === 'win32') {
    // npm is a batch file on Windows, which only a command interpreter can run.
    await step(label, 'cmd.exe', ['/d', '/c', 'npm', ...args]);
  } else {
    await step(label, 'npm', args);
  }
}

/**
 * Builds the addon into npm/rvf-node. Cargo decides what is out of date.
 * `cross` links with zig, which other C libraries and processors than this machine's need.
 */
export async function buildAddon({ profile = 'quick', target, cross = false } = {}) {
  const args = ['build', '--platform', '--no-js', '--profile', profile];
  args.push('--manifest-path', 'crates/rvf-node/Cargo.toml');
  args.push('--package-json-path', 'npm/rvf-node/package.json');
  args.push('--output-dir', 'npm/rvf-node');
  if (target) args.push('--target', target);
  if (cross) args.push('--cross-compile');
  await requireTool(`Native addon (${target ?? 'this platform'}, ${profile})`, 'napi', args);
}

/** Builds the SDK into dist/, once as ECMAScript modules and once as CommonJS. */
export async function buildSdk() {
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  await requireTool('SDK, ECMAScript modules', 'tsc', ['--project', 'tsconfig.esm.json']);
  await requireTool('SDK, CommonJS', 'tsc', ['--project', 'tsconfig.cjs.json']);
  // The package as a whole is of ECMAScript modules; this marks the folder that is not.
  writeFileSync(join(root, 'dist/cjs/package.json'), '{ "type": "commonjs" }\n');
}
