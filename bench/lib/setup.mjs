// What has to be there before anything can be measured: the release build, and the stores to compare with.

import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { buildAddon, buildSdk, ensureInstalled, ensureRust, npm } from '../../scripts/lib/project.mjs';
import { root, StepFailed } from '../../scripts/lib/steps.mjs';

const PEERS = 'bench/peers';

/** Builds what is shipped: the quick build of everyday is not what the figures are about. */
export async function buildRelease() {
  await ensureRust();
  await ensureInstalled();
  await buildAddon({ profile: 'release' });
  await buildSdk();
}

/** Installs the peers where they are missing or older than their lock file. Answers why that failed, where it did. */
export async function installPeers() {
  const lock = join(root, PEERS, 'package-lock.json');
  const installed = join(root, PEERS, 'node_modules/.package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return undefined;
  const options = ['--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
  try {
    await npm('Peers to compare with', ['install', '--prefix', PEERS, ...options]);
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    return error.message;
  }
  return undefined;
}
