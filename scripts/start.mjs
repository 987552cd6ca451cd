// npm start: installs, builds and runs the quick start, in a fresh clone as in an old one.

import { buildAddon, buildSdk, ensureInstalled, ensureRust } from './lib/project.mjs';
import { main, show } from './lib/steps.mjs';

await main(async () => {
  console.log('Preparing (the first build takes a few minutes)');
  await ensureRust();
  await ensureInstalled();
  await buildAddon();
  await buildSdk();
  console.log();
  await show(process.execPath, ['examples/quickstart/main.mjs']);
});
