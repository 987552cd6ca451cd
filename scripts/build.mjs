// npm run build: the addon and the SDK.
//   --release         as shipped: slower to build, faster to run
//   --addon           the addon alone
//   --target TRIPLE   for another platform than this one
//   --cross           link with zig and cargo-zigbuild

import { parseArgs } from 'node:util';
import { buildAddon, buildSdk, ensureInstalled, ensureRust } from './lib/project.mjs';
import { main } from './lib/steps.mjs';

const { values } = parseArgs({
  options: {
    release: { type: 'boolean', default: false },
    addon: { type: 'boolean', default: false },
    target: { type: 'string' },
    cross: { type: 'boolean', default: false },
  },
});

await main(async () => {
  console.log('Building');
  await ensureRust();
  await ensureInstalled();
  await buildAddon({
    profile: values.release ? 'release' : 'quick',
    target: values.target,
    cross: values.cross,
  });
  if (!values.addon) await buildSdk();
});
