import { isCondition, KNOWN_KEYS, OPERATORS, type Operator, PARTS } from './filter-operators.js';
import {
  filterError,
  type OperandKind,
  operandProblem,
  pathStep,
  rangeProblem,
  reading,
  readList,
  readValues,
} from './filter-values.js';
import { FIELD_ID_MAX, FILTER_DEPTH_MAX, FILTER_NODES_MAX, FILTER_TEXT_MAX } from './limits.js';
import { describe, hasLoneSurrogate } from './validate.js';

/** For who writes filters as MongoDB does. */
const MONGO_ADVICE = 'fromMongo(filter) translates filters like those of MongoDB';

/** An expression and where it stands. */
interface Place {
  readonly expr: unknown;
  readonly parent: Place | undefined;
  /** How its parent names it, as `.exprs[2]`; for the outermost the name of the argument. */
  readonly step: string;
  readonly depth: number;
}

/** The parts of an expression, each read once, so that what is checked is what is written. */
type Parts = ReadonlyMap<string, unknown>;

/**
 * Checks a filter and answers the JSON text of it that the engine takes.
 *
 * @param argument - What errors call the filter.
 * @throws RvfError `FilterParseError` naming the part that is wrong, as in `filter.exprs[2].value`.
 */
export function filterText(argument: string, filter: unknown): string {
  return reading(argument, () => new FilterWriter(argument).write(filter));
}

/** Writes a filter without recursion, so that no nesting exhausts the stack. */
class FilterWriter {
  readonly #argument: string;
  readonly #written: string[] = [];
  #length = 0;
  /** Expressions seen so far, those included that are still to be written. */
  #nodes = 1;
  /** What is still to be written, the next one last: expressions, and text between them. */
  readonly #pending: (Place | string)[] = [];

  constructor(argument: string) {
    this.#argument = argument;
  }

  write(filter: unknown): string {
    this.#pending.push({ expr: filter, parent: undefined, step: this.#argument, depth: 1 });
    for (let next = this.#pending.pop(); next !== undefined; next = this.#pending.pop()) {
      if (typeof next === 'string') {
        this.#put(next);
      } else {
        this.#expression(next);
      }
    }
    return this.#written.join('');
  }

  #expression(place: Place): void {
    const parts = readParts(place);
    const op = parts.get('op');
    const operator = OPERATORS.get(op);
    if (operator === undefined) {
      throw filterError(
        `${pathOf(place)}.op`,
        `must be one of ${[...OPERATORS.keys()].join(', ')}, not ${describe(op)}; ${MONGO_ADVICE}`,
      );
    }
    checkKeys(place, parts, operator);
    this.#put(`{"op":"${op}"`);
    if (operator.takes === 'exprs') {
      this.#expressions(place, parts.get('exprs'));
    } else if (operator.takes === 'expr') {
      this.#nested(place, [parts.get('expr')], () => '.expr', ',"expr":', '}');
    } else {
      this.#put(fieldText(place, parts));
      this.#operands(place, parts, operator);
      this.#put('}');
    }
  }

  #expressions(place: Place, exprs: unknown): void {
    const room = FILTER_NODES_MAX - this.#nodes;
    const advice = `a filter has at most ${FILTER_NODES_MAX} conditions in all; use 'in' for many values of one field`;
    const list = readList(`${pathOf(place)}.exprs`, exprs, room, advice);
    this.#nested(place, list, (index) => `.exprs[${index}]`, ',"exprs":[', ']}');
  }

  /** Puts expressions off, with the text around them. */
  #nested(
    parent: Place,
    exprs: unknown[],
    step: (index: number) => string,
    before: string,
    after: string,
  ): void {
    this.#nodes += exprs.length;
    if (this.#nodes > FILTER_NODES_MAX) {
      throw filterError(
        pathOf(parent),
        `brings the filter above ${FILTER_NODES_MAX} conditions; simplify it`,
      );
    }
    this.#put(before);
    this.#pending.push(after);
    for (let index = exprs.length - 1; index >= 0; index--) {
      this.#pending.push({ expr: exprs[index], parent, step: step(index), depth: parent.depth + 1 });
      if (index > 0) {
        this.#pending.push(',');
      }
    }
  }

  #operands(place: Place, parts: Parts, { takes, kind }: Operator): void {
    if (takes === 'values') {
      const path = `${pathOf(place)}.values`;
      this.#put(',"values":[');
      for (const [index, value] of readValues(path, parts.get('values')).entries()) {
        this.#operand(() => `${path}[${index}]`, value, kind, index === 0 ? '' : ',');
      }
      this.#put(']');
      return;
    }
    for (const name of PARTS[takes]) {
      this.#operand(() => `${pathOf(place)}.${name}`, parts.get(name), kind, `,"${name}":`);
    }
    const problem = takes === 'bounds' ? rangeProblem(parts.get('low'), parts.get('high')) : undefined;
    if (problem !== undefined) {
      throw filterError(`${pathOf(place)}.high`, problem);
    }
  }

  #operand(path: () => string, value: unknown, kind: OperandKind, before: string): void {
    const problem = operandProblem(value, kind);
    if (problem !== undefined) {
      throw filterError(path(), problem);
    }
    this.#put(before);
    this.#put(JSON.stringify(value));
  }

  #put(text: string): void {
    this.#length += text.length;
    if (this.#length > FILTER_TEXT_MAX) {
      throw filterError(
        this.#argument,
        `takes more than ${FILTER_TEXT_MAX} characters as JSON; ask in several calls`,
      );
    }
    this.#written.push(text);
  }
}

function readParts(place: Place): Parts {
  const { expr, depth } = place;
  if (typeof expr !== 'object' || expr === null || Array.isArray(expr)) {
    throw filterError(
      pathOf(place),
      `must be an expression as { op: 'eq', field: 'name', value: 1 }, not ${describe(expr)}`,
    );
  }
  for (let above = place.parent; above !== undefined; above = above.parent) {
    if (above.expr === expr) {
      throw filterError(pathOf(place), `is ${pathOf(above)} again; a filter cannot contain itself`);
    }
  }
  if (depth > FILTER_DEPTH_MAX) {
    throw filterError(
      pathOf(place),
      `is nested more than ${FILTER_DEPTH_MAX} levels deep; one 'and' or 'or' takes any number of exprs`,
    );
  }
  const parts = new Map<string, unknown>();
  for (const key of Object.keys(expr)) {
    const part = (expr as Record<string, unknown>)[key];
    if (part !== undefined) {
      if (!KNOWN_KEYS.has(key)) {
        throw unknownKey(
          place,
          key,
          [...KNOWN_KEYS],
          '',
          Object.hasOwn(expr, 'op') ? '' : `; ${MONGO_ADVICE}`,
        );
      }
      parts.set(key, part);
    }
  }
  return parts;
}

/** @throws RvfError where there is a part that the operator does not have; what it lacks shows when it is read. */
function checkKeys(place: Place, parts: Parts, operator: Operator): void {
  const keys: string[] = [
    'op',
    ...(isCondition(operator) ? ['field', 'fieldId'] : []),
    ...PARTS[operator.takes],
  ];
  for (const key of parts.keys()) {
    if (!keys.includes(key)) {
      throw unknownKey(place, key, keys, ` of '${parts.get('op')}'`);
    }
  }
}

function unknownKey(place: Place, key: string, known: string[], whose: string, advice = ''): Error {
  const text = `is no part${whose}; the parts are ${known.join(', ')}${advice}`;
  return filterError(pathOf(place) + pathStep(key), text);
}

/** The JSON text of the field that a condition looks at. */
function fieldText(place: Place, parts: Parts): string {
  const field = parts.get('field');
  const fieldId = parts.get('fieldId');
  if (field !== undefined && fieldId !== undefined) {
    throw filterError(`${pathOf(place)}.fieldId`, 'is given beside field; give one of them');
  }
  if (fieldId !== undefined) {
    if (!Number.isInteger(fieldId) || (fieldId as number) < 0 || (fieldId as number) > FIELD_ID_MAX) {
      const text = `must be an integer from 0 to ${FIELD_ID_MAX}, not ${describe(fieldId)}; or name the field`;
      throw filterError(`${pathOf(place)}.fieldId`, text);
    }
    return `,"fieldId":${Math.abs(fieldId as number)}`;
  }
  if (typeof field !== 'string') {
    throw filterError(`${pathOf(place)}.field`, `must name a field, not ${describe(field)}`);
  }
  if (hasLoneSurrogate(field)) {
    throw filterError(`${pathOf(place)}.field`, 'holds a lone surrogate, which has no UTF-8 form');
  }
  return `,"field":${JSON.stringify(field)}`;
}

/** `filter.exprs[2].expr`; of a deep one the beginning and the end. */
function pathOf(place: Place): string {
  let path = '';
  for (let at: Place | undefined = place; at !== undefined; at = at.parent) {
    path = at.step + path;
  }
  return path.length > 120 ? `${path.slice(0, 60)} ... ${path.slice(-40)}` : path;
}
