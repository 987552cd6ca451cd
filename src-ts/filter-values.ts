import { RvfError, RvfErrorCode } from './errors.js';
import { FILTER_VALUES_MAX } from './limits.js';
import { describe, hasLoneSurrogate } from './validate.js';

/** What a condition compares with: any scalar or null, what has an order, or a string. */
export type OperandKind = 'scalar' | 'ordered' | 'text';

const KIND_NAMES: Record<OperandKind, string> = {
  scalar: 'a string, a number, a boolean or null',
  ordered: 'a string or a number',
  text: 'a string',
};

/** The error for what stands at `path` of a filter. */
export function filterError(path: string, text: string, cause?: unknown): RvfError {
  const options = cause === undefined ? undefined : { cause };
  return new RvfError(RvfErrorCode.FilterParseError, `${path} ${text}`, options);
}

/** What is wrong with a value that a condition compares with. */
export function operandProblem(value: unknown, kind: OperandKind): string | undefined {
  switch (typeof value) {
    case 'string':
      return hasLoneSurrogate(value)
        ? 'holds a lone surrogate, which has no UTF-8 form; no stored text compares with it'
        : undefined;
    case 'number':
      if (!Number.isFinite(value)) {
        return `must be a finite number, not ${value}; use 'exists' to ask whether there is a value`;
      }
      return kind === 'text' ? `must be a string, not ${value}` : undefined;
    case 'boolean':
      return kind === 'scalar'
        ? undefined
        : `must be ${KIND_NAMES[kind]}, not ${value}${kind === 'ordered' ? '; booleans have no order' : ''}`;
    default:
      if (value === null && kind === 'scalar') {
        return undefined;
      }
      return `must be ${KIND_NAMES[kind]}, not ${describe(value)}${adviceFor(value)}`;
  }
}

/** What is wrong with the bounds of a range that are right one by one. */
export function rangeProblem(low: unknown, high: unknown): string | undefined {
  return typeof low === typeof high
    ? undefined
    : `is a ${typeof high} though low is a ${typeof low}; nothing lies between them, use bounds of one type`;
}

/**
 * The elements of a list at `path`, each read once.
 *
 * @param room - How many elements there may be.
 * @param advice - What the error says where there are more.
 * @throws RvfError `FilterParseError` where it is no array, or has more elements.
 */
export function readList(path: string, list: unknown, room: number, advice: string): unknown[] {
  if (!Array.isArray(list)) {
    throw filterError(path, `must be an array, not ${describe(list)}`);
  }
  const length = list.length;
  // What a proxy answers need not be a number: then this is not true either.
  if (!(length <= room)) {
    throw filterError(path, `has ${length} elements; ${advice}`);
  }
  return Array.from({ length }, (_, index) => list[index]);
}

/** The values of a list at `path`. */
export function readValues(path: string, values: unknown): unknown[] {
  return readList(
    path,
    values,
    FILTER_VALUES_MAX,
    `at most ${FILTER_VALUES_MAX} are allowed, split the list`,
  );
}

/** `.name`, or `["odd name"]`: how an error names what an object has under `key`. */
export function pathStep(key: string): string {
  return /^[A-Za-z_$][\w$]{0,39}$/.test(key) ? `.${key}` : `[${describe(key)}]`;
}

/**
 * The answer of `read`, which looks at what a caller gave. Getters and proxies may throw anything; it becomes a
 * `FilterParseError` of `argument`.
 */
export function reading<T>(argument: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof RvfError) {
      throw error;
    }
    throw filterError(argument, 'cannot be read: a getter or a proxy in it threw; give plain data', error);
  }
}

function adviceFor(value: unknown): string {
  if (typeof value === 'bigint') {
    return '; stored numbers are those of JSON, so use Number(value)';
  }
  if (value === null || value === undefined) {
    return "; use 'exists' to ask whether there is a value, and leave out conditions that you do not have";
  }
  return Array.isArray(value) ? "; use 'in' or 'containsAny' for several values" : '';
}
