import type { RvfFilterExpr, RvfFilterValue } from './filter.js';
import {
  filterError,
  type OperandKind,
  operandProblem,
  pathStep,
  rangeProblem,
  readList,
  readValues,
} from './filter-values.js';
import { FILTER_DEPTH_MAX, FILTER_NODES_MAX } from './limits.js';
import { describe, hasLoneSurrogate } from './validate.js';

/** Operators with one value: what they become, and of which kind the value is. */
const COMPARISONS: ReadonlyMap<string, [op: 'lt' | 'le' | 'gt' | 'ge' | 'startsWith', kind: OperandKind]> =
  new Map([
    ['$gt', ['gt', 'ordered']],
    ['$gte', ['ge', 'ordered']],
    ['$ge', ['ge', 'ordered']],
    ['$lt', ['lt', 'ordered']],
    ['$lte', ['le', 'ordered']],
    ['$le', ['le', 'ordered']],
    ['$startsWith', ['startsWith', 'text']],
  ]);

/** The other operators on fields. */
const FIELD_OPERATORS: ReadonlyMap<string, (translator: Translator, at: Operand) => RvfFilterExpr> = new Map<
  string,
  (translator: Translator, at: Operand) => RvfFilterExpr
>([
  ['$eq', (to, at) => to.equals(at)],
  ['$ne', (to, at) => to.negated(at, to.equals(at))],
  ['$in', (to, at) => to.isAmong(at)],
  ['$nin', (to, at) => to.negated(at, to.isAmong(at))],
  ['$range', (to, at) => to.range(at)],
  ['$exists', (to, at) => to.exists(at)],
  ['$contains', (to, at) => (Array.isArray(at.value) ? to.holds(at, 'containsAll') : to.contains(at))],
  ['$not_contains', (to, at) => to.negated(at, to.contains(at))],
  ['$containsAny', (to, at) => to.holds(at, 'containsAny')],
  ['$containsAll', (to, at) => to.holds(at, 'containsAll')],
  ['$all', (to, at) => to.holds(at, 'containsAll')],
  ['$not', (to, at) => to.negated(at, to.all(to.operators(at)))],
]);

const LOGICAL_OPERATORS = ['$and', '$or', '$nor', '$not'];

type Scalar = RvfFilterValue | null;

/** What stands behind an operator, or behind the name of a field. */
interface Operand {
  readonly field: string;
  readonly value: unknown;
  /** Where it stands, for errors. */
  readonly path: string;
  readonly depth: number;
}

/** Translates one filter; nothing of it is used again. */
export class Translator {
  readonly #matchArrays: boolean;
  #nodes = 0;

  constructor(matchArrays: boolean) {
    this.#matchArrays = matchArrays;
  }

  filter(path: string, filter: unknown, depth: number): RvfFilterExpr {
    if (!isObject(filter)) {
      throw filterError(path, `must be an object as { field: value }, not ${describe(filter)}`);
    }
    checkDepth(path, depth);
    const exprs: RvfFilterExpr[] = [];
    for (const key of Object.keys(filter)) {
      const part = { field: key, value: filter[key], path: path + pathStep(key), depth };
      if (key.startsWith('$')) {
        exprs.push(this.#logical(key, part));
      } else {
        exprs.push(...this.#field(part));
      }
    }
    return this.all(exprs);
  }

  /** The operators in an object, as in `{ $gt: 1, $lt: 5 }`. */
  operators({ field, value, path, depth }: Operand): RvfFilterExpr[] {
    const keys = isObject(value) ? Object.keys(value) : [];
    if (!keys.some((key) => key.startsWith('$'))) {
      const advice = 'nested objects cannot be filtered by; keep what you filter by at the top level';
      throw filterError(path, `must have operators as { $gt: 1 }, and is ${describe(value)}; ${advice}`);
    }
    checkDepth(path, depth);
    return keys.map((key) => {
      const operand = (value as Record<string, unknown>)[key];
      return this.#operator(key, { field, value: operand, path: path + pathStep(key), depth: depth + 1 });
    });
  }

  equals(at: Operand): RvfFilterExpr {
    const { field } = at;
    const value = scalarAt(at.path, at.value, 'scalar');
    const inArray: RvfFilterExpr = { op: 'contains', field, value };
    return this.#widened(at, { op: 'eq', field, value }, inArray, value === null);
  }

  isAmong(at: Operand): RvfFilterExpr {
    const { field } = at;
    const values = valuesAt(at);
    const inArray: RvfFilterExpr = { op: 'containsAny', field, values };
    return this.#widened(at, { op: 'in', field, values }, inArray, values.includes(null));
  }

  range(at: Operand): RvfFilterExpr {
    const bounds = readList(at.path, at.value, 2, 'it takes [low, high]');
    const low = scalarAt(`${at.path}[0]`, bounds[0], 'ordered') as number | string;
    const high = scalarAt(`${at.path}[1]`, bounds[1], 'ordered') as number | string;
    const problem = rangeProblem(low, high);
    if (problem !== undefined) {
      throw filterError(`${at.path}[1]`, problem);
    }
    return this.#made(at, { op: 'range', field: at.field, low, high });
  }

  exists(at: Operand): RvfFilterExpr {
    if (typeof at.value !== 'boolean') {
      throw filterError(at.path, `must be true or false, not ${describe(at.value)}`);
    }
    const expr = this.#made(at, { op: 'exists', field: at.field });
    return at.value ? expr : this.negated(at, expr);
  }

  contains(at: Operand): RvfFilterExpr {
    const value = scalarAt(at.path, at.value, 'scalar');
    return this.#made(at, { op: 'contains', field: at.field, value });
  }

  holds(at: Operand, op: 'containsAny' | 'containsAll'): RvfFilterExpr {
    return this.#made(at, { op, field: at.field, values: valuesAt(at) });
  }

  negated(at: Operand, expr: RvfFilterExpr): RvfFilterExpr {
    return this.#made(at, { op: 'not', expr });
  }

  all(exprs: RvfFilterExpr[]): RvfFilterExpr {
    return exprs.length === 1 ? (exprs[0] as RvfFilterExpr) : { op: 'and', exprs };
  }

  #field(at: Operand): RvfFilterExpr[] {
    if (hasLoneSurrogate(at.field)) {
      throw filterError(at.path, 'names a field with a lone surrogate, which has no UTF-8 form');
    }
    const isOperators = isObject(at.value) && !(at.value instanceof Date);
    return isOperators ? this.operators(at) : [this.equals(at)];
  }

  #operator(name: string, at: Operand): RvfFilterExpr {
    const comparison = COMPARISONS.get(name);
    if (comparison !== undefined) {
      const [op, kind] = comparison;
      const value = scalarAt(at.path, at.value, kind) as string;
      return this.#made(at, { op, field: at.field, value });
    }
    const operator = FIELD_OPERATORS.get(name);
    if (operator === undefined) {
      const known = [...COMPARISONS.keys(), ...FIELD_OPERATORS.keys()].join(', ');
      throw filterError(at.path, `is no operator on a field; there are ${known}`);
    }
    return operator(this, at);
  }

  #logical(name: string, at: Operand): RvfFilterExpr {
    if (!LOGICAL_OPERATORS.includes(name)) {
      throw filterError(at.path, `is no operator beside fields; there are ${LOGICAL_OPERATORS.join(', ')}`);
    }
    if (name === '$not') {
      return this.negated(at, this.filter(at.path, at.value, at.depth + 1));
    }
    const advice = `a filter has at most ${FILTER_NODES_MAX} conditions; use $in for many values of one field`;
    const filters = readList(at.path, at.value, FILTER_NODES_MAX - this.#nodes, advice);
    if (filters.length === 0) {
      throw filterError(at.path, 'is empty, and the dialects do not agree what that means; leave it out');
    }
    const exprs = filters.map((filter, index) => this.filter(`${at.path}[${index}]`, filter, at.depth + 1));
    const joined = this.#made(at, { op: name === '$and' ? 'and' : 'or', exprs });
    return name === '$nor' ? this.negated(at, joined) : joined;
  }

  /** An equality, or what it means beyond that: elements of arrays, and missing fields where it names null. */
  #widened(at: Operand, plain: RvfFilterExpr, inArray: RvfFilterExpr, withNull: boolean): RvfFilterExpr {
    const exprs = [this.#made(at, plain)];
    if (this.#matchArrays) {
      exprs.push(this.#made(at, inArray));
    }
    if (withNull) {
      exprs.push(this.negated(at, this.#made(at, { op: 'exists', field: at.field })));
    }
    return exprs.length === 1 ? plain : this.#made(at, { op: 'or', exprs });
  }

  /** Counts an expression, so that a filter with millions of conditions fails before it is translated. */
  #made(at: Operand, expr: RvfFilterExpr): RvfFilterExpr {
    this.#nodes++;
    if (this.#nodes > FILTER_NODES_MAX) {
      throw filterError(at.path, `brings the filter above ${FILTER_NODES_MAX} conditions; simplify it`);
    }
    return expr;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function checkDepth(path: string, depth: number): void {
  if (depth > FILTER_DEPTH_MAX) {
    const text = `nests more than ${FILTER_DEPTH_MAX} levels deep; flatten it, and see that it does not contain itself`;
    throw filterError(path.slice(0, 60), text);
  }
}

function valuesAt({ path, value }: Operand): Scalar[] {
  return readValues(path, value).map((item, index) => scalarAt(`${path}[${index}]`, item, 'scalar'));
}

/** `value` as what JSON makes of it, where a filter can compare with that. */
function scalarAt(path: string, value: unknown, kind: OperandKind): Scalar {
  // An invalid date is null in JSON, which nobody means.
  const form = value instanceof Date ? (value.toJSON() ?? Number.NaN) : value;
  const problem = operandProblem(form, kind);
  if (problem !== undefined) {
    throw filterError(path, problem);
  }
  return form as Scalar;
}
