// npm run format: puts the sources into the form that npm run lint asks for.

import { ensureInstalled, ensureRust, runTool } from './lib/project.mjs';
import { main, StepFailed, step } from './lib/steps.mjs';

await main(async () => {
  console.log('Formatting');
  await ensureRust();
  await ensureInstalled();
  await step('rustfmt', 'cargo', ['fmt', '--all']);
  const { ok } = await runTool('biome', 'biome', ['check', '--colors=off', '--write', '.']);
  if (!ok) throw new StepFailed('Some findings need a hand.');
});
