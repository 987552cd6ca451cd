import { behaviour } from './behaviour/index.js';
import { backendHost } from './support/host.js';

behaviour(backendHost('node'));
