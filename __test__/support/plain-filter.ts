import type { RvfFilterExpr, RvfFilterValue } from '../../src-ts/filter.js';

type Numbers = ReadonlyMap<number, string>;

const NO_NUMBERS: Numbers = new Map();

/**
 * Whether metadata, as `JSON.parse` answers it, fits a filter: by the definition, without any index. It is what filters
 * of the store are compared with.
 *
 * @param numbers - Names of the fields that a schema gives numbers to.
 */
export function matches(filter: RvfFilterExpr, metadata: unknown, numbers: Numbers = NO_NUMBERS): boolean {
  switch (filter.op) {
    case 'and':
      return filter.exprs.every((expr) => matches(expr, metadata, numbers));
    case 'or':
      return filter.exprs.some((expr) => matches(expr, metadata, numbers));
    case 'not':
      return !matches(filter.expr, metadata, numbers);
    default: {
      const field = filter.field ?? numbers.get(filter.fieldId);
      if (field === undefined) {
        throw new Error(`no schema gives a field the number ${filter.fieldId}`);
      }
      const isThere = hasFields(metadata) && Object.hasOwn(metadata, field);
      return isThere ? holds(filter, metadata[field]) : filter.op === 'ne' || filter.op === 'nin';
    }
  }
}

type Condition = Exclude<RvfFilterExpr, { op: 'and' | 'or' | 'not' }>;

/** Whether a field that is there, with this value, fits. */
function holds(condition: Condition, value: unknown): boolean {
  switch (condition.op) {
    case 'exists':
      return true;
    case 'eq':
      return equal(value, condition.value);
    case 'ne':
      return !equal(value, condition.value);
    case 'in':
      return condition.values.some((one) => equal(value, one));
    case 'nin':
      return !condition.values.some((one) => equal(value, one));
    case 'lt':
      return ordered(value, condition.value, (order) => order < 0);
    case 'le':
      return ordered(value, condition.value, (order) => order <= 0);
    case 'gt':
      return ordered(value, condition.value, (order) => order > 0);
    case 'ge':
      return ordered(value, condition.value, (order) => order >= 0);
    case 'range':
      return (
        ordered(value, condition.low, (order) => order >= 0) &&
        ordered(value, condition.high, (order) => order < 0)
      );
    case 'startsWith':
      return typeof value === 'string' && value.startsWith(condition.value);
    case 'contains':
      return contains(value, condition.value);
    case 'containsAny':
      return condition.values.some((one) => contains(value, one));
    case 'containsAll':
      return Array.isArray(value) && condition.values.every((one) => contains(value, one));
  }
}

/** Only objects have fields: neither the indexes of an array nor the characters of a string are any. */
function hasFields(metadata: unknown): metadata is Record<string, unknown> {
  return typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata);
}

/** `===` knows that -0 is 0, and strings are equal where their bytes are. */
function equal(value: unknown, other: RvfFilterValue | null): boolean {
  return value === other;
}

function contains(value: unknown, element: RvfFilterValue | null): boolean {
  return Array.isArray(value) && value.some((one) => equal(one, element));
}

function ordered(value: unknown, bound: RvfFilterValue, isRight: (order: number) => boolean): boolean {
  if (typeof value === 'number' && typeof bound === 'number') {
    return isRight(value < bound ? -1 : value > bound ? 1 : 0);
  }
  return typeof value === 'string' && typeof bound === 'string' && isRight(compareTexts(value, bound));
}

/**
 * The order of UTF-8 is that of code points. UTF-16, the order of `<`, puts an emoji before U+FFFF. Half of a surrogate
 * pair, which only stored strings may have, counts as the code point that it is.
 */
function compareTexts(left: string, right: string): number {
  const others = [...right];
  for (const [index, character] of [...left].entries()) {
    const other = others[index];
    if (other === undefined) {
      return 1;
    }
    if (character !== other) {
      return (character.codePointAt(0) as number) - (other.codePointAt(0) as number);
    }
  }
  return left.length - right.length;
}
