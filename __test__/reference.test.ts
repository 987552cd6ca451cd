import { behaviour } from './behaviour/index.js';
import { referenceHost } from './support/host.js';

behaviour(referenceHost());
