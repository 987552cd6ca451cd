import { DURABILITY, type EngineOpenOptions } from './engine.js';
import { RvfError, RvfErrorCode } from './errors.js';
import * as limits from './limits.js';
import type { BackendType, RvfOpenBytesOptions, RvfOpenOptions } from './types.js';
import { describe, hasLoneSurrogate, utf8Length } from './validate.js';

const BACKEND_TYPES = ['auto', 'node', 'wasm'] as const;
const DURABILITIES = ['commit', 'interval', 'none'] as const;

/** Names of the options of `open`. */
export const OPEN_KEYS: ReadonlySet<string> = new Set([
  'backend',
  'busyTimeoutMs',
  'embeddingModel',
  'durability',
  'mapping',
]);
const OPEN_BYTES_KEYS = new Set(['backend', 'readOnly']);

/** @throws RvfError `InvalidOptions` naming the option. */
export function refuseOption(name: string, text: string): never {
  throw new RvfError(RvfErrorCode.InvalidOptions, `${name} ${text}`);
}

/** `options` as an object whose keys are all known, so that a misspelt one is not passed over in silence. */
export function checkObject<T extends object>(name: string, options: unknown, known: ReadonlySet<string>): T {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    return refuseOption(name, `must be an object, not ${describe(options)}`);
  }
  for (const key in options) {
    if (!known.has(key) && (options as Record<string, unknown>)[key] !== undefined) {
      refuseOption(`${name}.${key}`, `is not known; there are ${[...known].join(', ')}`);
    }
  }
  return options as T;
}

/** `value` as an integer from `min` to `max`, or `otherwise` where it is not given. */
export function checkInteger(
  name: string,
  value: unknown,
  min: number,
  max: number,
  otherwise: number,
): number {
  if (value === undefined) {
    return otherwise;
  }
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    return refuseOption(name, `must be an integer from ${min} to ${max}, not ${describe(value)}`);
  }
  return value;
}

/** `value` as one of `choices`, or `otherwise` where it is not given. */
export function checkChoice<T>(name: string, value: unknown, choices: readonly T[], otherwise: T): T {
  if (value === undefined) {
    return otherwise;
  }
  if (!choices.includes(value as T)) {
    return refuseOption(name, `must be one of ${choices.join(', ')}, not ${describe(value)}`);
  }
  return value as T;
}

/** `value` as a boolean, or `otherwise` where it is not given. */
export function checkBoolean(name: string, value: unknown, otherwise: boolean): boolean {
  return checkChoice(name, value, [true, false], otherwise);
}

/** `value` as whole milliseconds, or `otherwise` where it is not given. */
export function checkMilliseconds(name: string, value: unknown, otherwise: number): number {
  if (value === undefined) {
    return otherwise;
  }
  if (typeof value !== 'number' || !(value >= 0 && value <= limits.TIMEOUT_MS_MAX)) {
    return refuseOption(
      name,
      `must be from 0 to ${limits.TIMEOUT_MS_MAX} milliseconds, not ${describe(value)}`,
    );
  }
  return Math.ceil(value);
}

/** `value` as the type of a backend. */
export function checkBackendType(name: string, value: unknown): BackendType {
  return checkChoice<BackendType>(name, value, BACKEND_TYPES, 'auto');
}

/** Options for the engine, and how long synchronous writes wait behind queued ones. */
interface OpenArguments {
  engine: EngineOpenOptions;
  busyTimeoutMs: number;
}

/** What `open` and `openReadonly` hand to the engine. */
export function openOptions(given: RvfOpenOptions | undefined, readOnly: boolean): OpenArguments {
  const options = checkObject<RvfOpenOptions>('options', given ?? {}, OPEN_KEYS);
  const engine: EngineOpenOptions = {
    readOnly,
    busyTimeoutMs: checkMilliseconds('options.busyTimeoutMs', options.busyTimeoutMs, 0),
    mapping: checkBoolean('options.mapping', options.mapping, true),
    durability: checkDurability(options.durability),
    ...embeddingModel(options.embeddingModel),
  };
  return { engine, busyTimeoutMs: syncTimeout(options.busyTimeoutMs) };
}

/** What `openBytes` hands to the engine. */
export function openBytesOptions(given: RvfOpenBytesOptions | undefined): OpenArguments {
  const options = checkObject<RvfOpenBytesOptions>('options', given ?? {}, OPEN_BYTES_KEYS);
  return openOptions({}, checkBoolean('options.readOnly', options.readOnly, false));
}

/** `options.durability` by its number in the engine. */
export function checkDurability(value: unknown): number {
  return DURABILITY[checkChoice('options.durability', value, DURABILITIES, 'commit')];
}

/** How long synchronous writes wait behind queued ones. */
export function syncTimeout(value: unknown): number {
  return checkMilliseconds('options.busyTimeoutMs', value, limits.SYNC_BUSY_TIMEOUT_MS);
}

/** `options.embeddingModel`, where it is given. */
export function embeddingModel(value: unknown): { embeddingModel?: string } {
  if (value === undefined) {
    return {};
  }
  const bytes = typeof value === 'string' && !hasLoneSurrogate(value) ? utf8Length(value) : 0;
  if (bytes < 1 || bytes > limits.EMBEDDING_MODEL_BYTES_MAX) {
    const text = `must be a name of 1 to ${limits.EMBEDDING_MODEL_BYTES_MAX} UTF-8 bytes, not ${describe(value)}`;
    return refuseOption('options.embeddingModel', text);
  }
  return { embeddingModel: value as string };
}
