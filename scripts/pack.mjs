// npm run pack:all: the packages as they are published, as tarballs in packages/.
//
// The loader's package gets its optional dependencies here, one per platform. Were they in the committed package.json,
// an installation of this repository would look for packages of a version that is not published yet.
// A platform's package is made where its binary has been built; the others are listed as left out.

import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { npm } from './lib/project.mjs';
import { main, root } from './lib/steps.mjs';

const LOADER = 'rvf-node';
const target = join(root, 'packages');
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

const platforms = readdirSync(join(root, 'npm')).filter((name) => name.startsWith(`${LOADER}-`));

/** Puts a package's own files and the licences into a folder of its own, which is then packed. */
async function pack(staging, folder, manifest, extraFiles = []) {
  const stage = join(staging, folder);
  cpSync(join(root, 'npm', folder), stage, { recursive: true, filter: (path) => !path.endsWith('.node') });
  for (const licence of ['LICENSE-APACHE', 'LICENSE-MIT']) {
    copyFileSync(join(root, licence), join(stage, licence));
  }
  for (const [from, name] of extraFiles) copyFileSync(from, join(stage, name));
  writeFileSync(join(stage, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  await npm(manifest.name, ['pack', stage, '--pack-destination', target]);
}

await main(async () => {
  console.log('Packing');
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target);
  const staging = mkdtempSync(join(tmpdir(), 'rvf-pack-'));
  try {
    await npm('@ruvector/rvf', ['pack', root, '--pack-destination', target]);

    const loader = readJson(join(root, 'npm', LOADER, 'package.json'));
    const manifests = new Map(
      platforms.map((folder) => [folder, readJson(join(root, 'npm', folder, 'package.json'))]),
    );
    const optionalDependencies = Object.fromEntries(
      [...manifests.values()].map(({ name, version }) => [name, version]),
    );
    await pack(staging, LOADER, { ...loader, optionalDependencies });

    for (const [folder, manifest] of manifests) {
      const binary = manifest.main;
      // A built one lies beside the loader; one that another machine built is put into its package's folder.
      const built = [join(root, 'npm', folder, binary), join(root, 'npm', LOADER, binary)].find(existsSync);
      if (built) await pack(staging, folder, manifest, [[built, binary]]);
      else console.log(`  ${manifest.name}: left out, no binary`);
    }
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
});
