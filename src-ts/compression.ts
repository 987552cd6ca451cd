import type { EngineCompression, EngineTiering } from './engine.js';
import * as limits from './limits.js';
import { checkChoice, checkInteger, checkObject, refuseOption } from './options.js';
import type { RvfColdPacking, RvfCompressionOptions, RvfOptions, RvfTieringOptions } from './types.js';
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

const TIERING_KEYS = new Set(['hotShare', 'cold']);
const COLDS = ['scalar4', 'product', 'binary'] as const;
const COLD_OPTIONS: Record<RvfColdPacking, RvfCompressionOptions> = {
  scalar4: { type: 'scalar', bits: 4 },
  product: { type: 'product' },
  binary: { type: 'binary' },
};

/** What `options.tiering` asks of the engine, beside the compression; nothing where all rows are kept alike. */
export function tieringOption(
  value: RvfOptions['tiering'],
  compression: RvfOptions['compression'],
): { tiering?: EngineTiering } {
  if (value === undefined) {
    return {};
  }
  const options = checkObject<RvfTieringOptions>('options.tiering', value, TIERING_KEYS);
  const hotShare = options.hotShare ?? limits.HOT_SHARE;
  const isShare =
    typeof hotShare === 'number' && hotShare >= limits.HOT_SHARE_MIN && hotShare <= limits.HOT_SHARE_MAX;
  if (!isShare) {
    const { HOT_SHARE_MIN, HOT_SHARE_MAX } = limits;
    return refuseOption(
      'options.tiering.hotShare',
      `must be ${HOT_SHARE_MIN} to ${HOT_SHARE_MAX}, not ${describe(hotShare)}`,
    );
  }
  const cold = checkChoice<RvfColdPacking>('options.tiering.cold', options.cold, COLDS, 'product');
  const kept = compressionOption(compression).compression;
  if (kept?.kind !== 1 || kept.bits !== 8) {
    return refuseOption('options.tiering', "needs compression: 'scalar' of 8 bits, which hot entries keep");
  }
  const { compression: engine } = named(COLD_OPTIONS[cold]);
  return engine === undefined ? {} : { tiering: { hotShare, cold: engine } };
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
