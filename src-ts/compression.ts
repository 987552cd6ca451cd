import type { EngineCompression } from './engine.js';
import * as limits from './limits.js';
import { checkChoice, checkInteger, checkObject, refuseOption } from './options.js';
import type { RvfCompressionOptions, RvfOptions } from './types.js';
import { describe } from './validate.js';

const NAMES = ['none', 'scalar', 'product', 'binary'] as const;
const KEYS = {
  none: new Set(['type']),
  scalar: new Set(['type', 'bits']),
  product: new Set(['type', 'subvectors', 'trainingRows']),
  binary: new Set(['type', 'trainingRows']),
} as const;

/** What `options.compression` asks of the engine; nothing where vectors are kept as they are. */
export function compressionOption(value: RvfOptions['compression']): { compression?: EngineCompression } {
  if (value === undefined || typeof value === 'string') {
    return named({ type: checkChoice('options.compression', value, NAMES, 'none') });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refuseOption('options.compression', `must be a name or {type, ...}, not ${describe(value)}`);
  }
  const { type } = value as { type?: unknown };
  if (type === undefined) {
    return refuseOption('options.compression.type', `must be given: ${NAMES.join(', ')}`);
  }
  const name = checkChoice('options.compression.type', type, NAMES, 'none');
  return named(checkObject<RvfCompressionOptions>('options.compression', value, KEYS[name]));
}

function named(options: RvfCompressionOptions): { compression?: EngineCompression } {
  const kind = NAMES.indexOf(options.type);
  switch (options.type) {
    case 'none':
      return {};
    case 'scalar': {
      const bits = options.bits ?? 8;
      if (bits !== 8 && bits !== 4) {
        return refuseOption('options.compression.bits', `must be 4 or 8, not ${describe(bits)}`);
      }
      return { compression: { kind, bits, subvectors: 0, trainingRows: limits.TRAINING_ROWS } };
    }
    case 'product': {
      const name = 'options.compression.subvectors';
      const subvectors = checkInteger(name, options.subvectors, 1, limits.DIMENSION_MAX, 0);
      return { compression: { kind, bits: 8, subvectors, trainingRows: trainingRows(options.trainingRows) } };
    }
    case 'binary':
      return {
        compression: { kind, bits: 1, subvectors: 0, trainingRows: trainingRows(options.trainingRows) },
      };
  }
}

function trainingRows(value: number | undefined): number {
  const { TRAINING_ROWS_MIN, TRAINING_ROWS_MAX, TRAINING_ROWS } = limits;
  return checkInteger(
    'options.compression.trainingRows',
    value,
    TRAINING_ROWS_MIN,
    TRAINING_ROWS_MAX,
    TRAINING_ROWS,
  );
}
