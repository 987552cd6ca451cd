import { compressionOption, tieringOption } from './compression.js';
import { DATA_TYPES, type EngineCreateOptions, METRIC_NAMES } from './engine.js';
import { notSupported, RvfError, RvfErrorCode } from './errors.js';
import * as limits from './limits.js';
import {
  checkBoolean,
  checkChoice,
  checkDurability,
  checkInteger,
  checkObject,
  embeddingModel,
  refuseOption,
  syncTimeout,
} from './options.js';
import type { DistanceMetric, RvfOptions } from './types.js';
import { describe } from './validate.js';

const DTYPES = ['f32', 'f16', 'int8'] as const;

const CREATE_KEYS = new Set([
  'dimensions',
  'dimension',
  'metric',
  'dtype',
  'profile',
  'compression',
  'tiering',
  'signing',
  'm',
  'efConstruction',
  'embeddingModel',
  'durability',
  'busyTimeoutMs',
  'schema',
]);

/** What `create` hands to the engine. */
export function createOptions(given: RvfOptions): { engine: EngineCreateOptions; busyTimeoutMs: number } {
  const options = checkObject<RvfOptions>('options', given, CREATE_KEYS);
  refuseFuture(options);
  const metric = checkChoice('options.metric', options.metric, METRIC_NAMES, 'l2');
  const engine: EngineCreateOptions = {
    dimension: checkDimension(options),
    metric: METRIC_NAMES.indexOf(metric),
    dataType: checkDataType(options.dtype, metric),
    m: checkInteger('options.m', options.m, 2, limits.M_MAX, 16),
    efConstruction: checkInteger(
      'options.efConstruction',
      options.efConstruction,
      1,
      limits.EF_CONSTRUCTION_MAX,
      200,
    ),
    profile: checkInteger('options.profile', options.profile, 0, 3, 0),
    durability: checkDurability(options.durability),
    ...compressionOption(options.compression),
    ...tieringOption(options.tiering, options.compression),
    ...embeddingModel(options.embeddingModel),
  };
  return { engine, busyTimeoutMs: syncTimeout(options.busyTimeoutMs) };
}

function checkDimension(options: RvfOptions): number {
  const { dimensions, dimension } = options;
  if (dimensions !== undefined && dimension !== undefined && dimensions !== dimension) {
    refuseOption(
      'options.dimensions',
      `is ${describe(dimensions)}, its alias options.dimension is ${describe(dimension)}; give one`,
    );
  }
  const value = dimensions ?? dimension;
  if (value === undefined) {
    refuseOption('options.dimensions', `must be given: an integer from 1 to ${limits.DIMENSION_MAX}`);
  }
  return checkInteger('options.dimensions', value, 1, limits.DIMENSION_MAX, 0);
}

function checkDataType(value: unknown, metric: DistanceMetric): number {
  const dtype = checkChoice('options.dtype', value, DTYPES, 'f32');
  if (metric !== 'hamming') {
    return DATA_TYPES[dtype];
  }
  if (value !== undefined) {
    const text = `options.dtype '${dtype}' does not fit the metric 'hamming', which compares packed bits; leave it out`;
    throw new RvfError(RvfErrorCode.MetricUnsupported, text);
  }
  return DATA_TYPES.binary;
}

/** What a later version will accept, and this one must not pass over. */
function refuseFuture(options: RvfOptions): void {
  if (checkBoolean('options.signing', options.signing, false)) {
    throw notSupported('options.signing', 'it arrives with a later version; leave it out');
  }
}
