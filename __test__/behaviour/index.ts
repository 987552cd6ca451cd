import { describe } from 'vitest';
import type { Host } from '../support/host.js';
import { closingBehaviour } from './closing.js';
import { entriesBehaviour } from './entries.js';
import { iterationBehaviour } from './iteration.js';
import { lifeBehaviour } from './life.js';
import { metadataBehaviour } from './metadata.js';
import { refusalsBehaviour } from './refusals.js';
import { searchBehaviour } from './search.js';

/** Everything that a store promises, whichever engine serves it. */
export function behaviour(host: Host): void {
  describe(`on ${host.name}`, () => {
    entriesBehaviour(host);
    metadataBehaviour(host);
    searchBehaviour(host);
    iterationBehaviour(host);
    lifeBehaviour(host);
    closingBehaviour(host);
    refusalsBehaviour(host);
  });
}
