// Which version of a peer is installed.

import { readFileSync } from 'node:fs';

export function versionOf(name) {
  const description = new URL(`node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(description, 'utf8')).version;
}
