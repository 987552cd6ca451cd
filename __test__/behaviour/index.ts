import { describe } from 'vitest';
import type { Host } from '../support/host.js';
import { changesBehaviour } from './changes.js';
import { closingBehaviour } from './closing.js';
import { compressionBehaviour } from './compression.js';
import { cursorsBehaviour } from './cursors.js';
import { dataTypeRefusalsBehaviour } from './data-type-refusals.js';
import { dataTypesBehaviour } from './data-types.js';
import { entriesBehaviour } from './entries.js';
import { filterModelBehaviour } from './filter-model.js';
import { filterRefusalsBehaviour } from './filter-refusals.js';
import { filterWritesBehaviour } from './filter-writes.js';
import { filtersBehaviour } from './filters.js';
import { graphBehaviour } from './graph.js';
import { indexLifeBehaviour } from './index-life.js';
import { iterationBehaviour } from './iteration.js';
import { lifeBehaviour } from './life.js';
import { metadataBehaviour } from './metadata.js';
import { recallBehaviour } from './recall.js';
import { refusalsBehaviour } from './refusals.js';
import { schemaBehaviour } from './schema.js';
import { searchBehaviour } from './search.js';
import { tieringBehaviour } from './tiering.js';

/** Everything that a store promises, whichever engine serves it. */
export function behaviour(host: Host): void {
  describe(`on ${host.name}`, () => {
    entriesBehaviour(host);
    metadataBehaviour(host);
    searchBehaviour(host);
    dataTypesBehaviour(host);
    dataTypeRefusalsBehaviour(host);
    graphBehaviour(host);
    indexLifeBehaviour(host);
    recallBehaviour(host);
    compressionBehaviour(host);
    tieringBehaviour(host);
    iterationBehaviour(host);
    filtersBehaviour(host);
    filterWritesBehaviour(host);
    cursorsBehaviour(host);
    changesBehaviour(host);
    schemaBehaviour(host);
    lifeBehaviour(host);
    closingBehaviour(host);
    refusalsBehaviour(host);
    filterRefusalsBehaviour(host);
    filterModelBehaviour(host);
  });
}
