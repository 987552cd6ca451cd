import { RvfError, RvfErrorCode } from './errors.js';
import { ID_BYTES_MAX, K_MAX, METADATA_BYTES_MAX, METADATA_DEPTH_MAX } from './limits.js';

/**
 * What is wrong with a value, without the value's name: checks answer it, and who knows the argument makes an error of
 * it. Nothing is allocated for a value that is right.
 */
export interface Problem {
  readonly code: RvfErrorCode;
  readonly text: string;
}

/** A UTF-16 string with half of a surrogate pair has no UTF-8 form. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Down to here values are walked; below, the JSON text is read, which no value can deceive. */
const SHALLOW_LEVELS = 3;

/** `value` for an error message: short, whatever it is. */
export function describe(value: unknown): string {
  if (typeof value === 'string') {
    return value.length > 40 ? `a string of ${value.length} characters` : JSON.stringify(value);
  }
  if (value === null || typeof value !== 'object') {
    return typeof value === 'symbol' || typeof value === 'function' ? `a ${typeof value}` : String(value);
  }
  return Array.isArray(value) ? 'an array' : `an object (${value.constructor?.name ?? 'without prototype'})`;
}

/** @throws RvfError of the problem, `argument` first. */
export function refuse(argument: string, problem: Problem): never {
  throw problemError(argument, problem);
}

/** The error that a problem of `argument` is. */
export function problemError(argument: string, problem: Problem): RvfError {
  return new RvfError(problem.code, `${argument} ${problem.text}`);
}

/** A problem with the code `InvalidInput`. */
export function invalid(text: string): Problem {
  return { code: RvfErrorCode.InvalidInput, text };
}

/** What is wrong with an id: 1 to `ID_BYTES_MAX` UTF-8 bytes, without lone surrogates. */
export function idProblem(id: unknown): Problem | undefined {
  if (typeof id !== 'string') {
    return invalid(`must be a string, not ${describe(id)}`);
  }
  if (id.length === 0) {
    return invalid('must not be empty');
  }
  if (id.length * 3 > ID_BYTES_MAX && utf8Length(id) > ID_BYTES_MAX) {
    return invalid(
      `takes ${utf8Length(id)} UTF-8 bytes, more than ${ID_BYTES_MAX}; use a shorter id, such as a hash`,
    );
  }
  return LONE_SURROGATE.test(id) ? invalid('holds a lone surrogate, which has no UTF-8 form') : undefined;
}

/** Whether a value is an object of its own keys alone, of whichever realm. */
export function isPlainObject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) {
    return false;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || (!Array.isArray(value) && Object.getPrototypeOf(prototype) === null);
}

/** @throws RvfError `InvalidInput` naming the first id that is not one. */
export function checkIds(ids: unknown): asserts ids is string[] {
  if (!Array.isArray(ids)) {
    refuse('ids', invalid(`must be an array of strings, not ${describe(ids)}`));
  }
  for (let index = 0; index < ids.length; index++) {
    const problem = idProblem(ids[index]);
    if (problem !== undefined) {
      refuse(`ids[${index}]`, problem);
    }
  }
}

/** @throws RvfError `KTooLarge`, or `InvalidInput` where `k` is no positive integer. */
export function checkK(k: unknown): asserts k is number {
  if (typeof k !== 'number' || !Number.isInteger(k) || k < 1) {
    refuse('k', invalid(`must be an integer from 1 to ${K_MAX}, not ${describe(k)}`));
  }
  if (k > K_MAX) {
    refuse('k', { code: RvfErrorCode.KTooLarge, text: `is ${k}, more than ${K_MAX}; ask for fewer` });
  }
}

/** @throws RvfError `InvalidInput` where `path` is no path. */
export function checkPath(argument: string, path: unknown): asserts path is string {
  if (typeof path !== 'string' || path === '') {
    refuse(argument, invalid(`must be a non-empty string, not ${describe(path)}`));
  }
  if (path.includes('\0') || LONE_SURROGATE.test(path)) {
    refuse(argument, invalid('holds a NUL or a lone surrogate, which no file name can'));
  }
}

/** UTF-8 bytes of `text`; a lone surrogate counts as its replacement. */
export function utf8Length(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit > 0x7f) {
      // A surrogate pair is two units and four bytes: two more, of which its first half brings both.
      const isPair = unit >= 0xd800 && unit < 0xdc00 && (text.charCodeAt(index + 1) & 0xfc00) === 0xdc00;
      bytes += unit > 0x7ff ? 2 : 1;
      index += isPair ? 1 : 0;
    }
  }
  return bytes;
}

/** Whether `text` has a lone surrogate. */
export function hasLoneSurrogate(text: string): boolean {
  return LONE_SURROGATE.test(text);
}

/**
 * The JSON text to store for `metadata` (empty for `undefined`), or what is wrong with it.
 *
 * @param replacer - As for `JSON.stringify`; what it throws is what is wrong.
 */
export function metadataText(
  metadata: unknown,
  replacer?: (key: string, value: unknown) => unknown,
): string | Problem {
  if (metadata === undefined) {
    return '';
  }
  let text: string | undefined;
  let isFlat: boolean;
  try {
    text = JSON.stringify(metadata, replacer);
    isFlat = isShallow(metadata, SHALLOW_LEVELS);
  } catch (error) {
    return invalid(`has no JSON form (${firstLine(error)}); leave cycles and BigInt out`);
  }
  if (text === undefined) {
    return invalid(`must be a JSON value, not ${describe(metadata)}`);
  }
  if (text.length * 3 > METADATA_BYTES_MAX) {
    const bytes = utf8Length(text);
    if (bytes > METADATA_BYTES_MAX) {
      return invalid(
        `takes ${bytes} bytes as JSON, more than ${METADATA_BYTES_MAX}; keep large texts elsewhere`,
      );
    }
  }
  if (!isFlat && jsonDepth(text) > METADATA_DEPTH_MAX) {
    return invalid(`is nested ${jsonDepth(text)} levels deep, more than ${METADATA_DEPTH_MAX}; flatten it`);
  }
  return text;
}

/** Whether a value certainly nests at most `levels` deep as JSON, which for most metadata is quickly known. */
function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) {
    return true;
  }
  if (levels === 0 || typeof (value as { toJSON?: unknown }).toJSON === 'function') {
    return false;
  }
  for (const key in value) {
    if (!isShallow((value as Record<string, unknown>)[key], levels - 1)) {
      return false;
    }
  }
  return true;
}

/** Levels of arrays and objects in a JSON text. */
function jsonDepth(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let index = 0; index < text.length; index++) {
    switch (text.charCodeAt(index)) {
      case 0x22:
        index = endOfString(text, index);
        break;
      case 0x5b:
      case 0x7b:
        depth++;
        deepest = Math.max(deepest, depth);
        break;
      case 0x5d:
      case 0x7d:
        depth--;
    }
  }
  return deepest;
}

/** Index of the quote that ends the JSON string which starts at `start`. */
function endOfString(text: string, start: number): number {
  let index = start + 1;
  while (text.charCodeAt(index) !== 0x22) {
    index += text.charCodeAt(index) === 0x5c ? 2 : 1;
  }
  return index;
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split('\n', 1)[0] ?? '';
}
