// npm run lint: every linter, each with its own line; all of them run even when one fails.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureInstalled, ensureRust, runTool } from './lib/project.mjs';
import { attempt, main, root, StepFailed } from './lib/steps.mjs';

/** Every package and the Rust workspace are released together, under one version. */
function differingVersions() {
  const cargo = /^version = "(.+)"$/m.exec(readFileSync(join(root, 'Cargo.toml'), 'utf8'))[1];
  const folders = ['.', ...readdirSync(join(root, 'npm')).map((name) => `npm/${name}`)];
  return folders.flatMap((folder) => {
    const {
      name,
      version,
      dependencies = {},
    } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    const ours = Object.entries(dependencies).filter(([dependency]) => dependency.startsWith('@ruvector/'));
    return [[name, version], ...ours.map(([dependency, wanted]) => [`${name} -> ${dependency}`, wanted])]
      .filter(([, found]) => found !== cargo)
      .map(([what, found]) => `${what}: ${found}, but Cargo.toml says ${cargo}`);
  });
}

await main(async () => {
  console.log('Linting');
  await ensureRust();
  await ensureInstalled();
  const results = [
    await attempt('rustfmt', 'cargo', ['fmt', '--all', '--check']),
    await attempt('clippy', 'cargo', ['clippy', '--workspace', '--all-targets', '--', '-D', 'warnings']),
    await runTool('biome', 'biome', ['ci', '--colors=off', '--error-on-warnings', '.']),
    await runTool('tsc', 'tsc', ['--noEmit']),
  ];
  const differing = differingVersions();
  for (const line of differing) console.log(line);
  if (differing.length > 0 || results.some(({ ok }) => !ok)) throw new StepFailed('Linting failed.');
});
