import type { OperandKind } from './filter-values.js';

/** The parts that an expression has beside `op`, and for a condition its field. */
export const PARTS = {
  value: ['value'],
  values: ['values'],
  bounds: ['low', 'high'],
  nothing: [],
  exprs: ['exprs'],
  expr: ['expr'],
} as const;

/** What an operator takes, and of which kind its operands are. */
export interface Operator {
  readonly takes: keyof typeof PARTS;
  readonly kind: OperandKind;
}

const ORDER: Operator = { takes: 'value', kind: 'ordered' };
const EQUALITY: Operator = { takes: 'value', kind: 'scalar' };
const MEMBERSHIP: Operator = { takes: 'values', kind: 'scalar' };

/** Every operator by its name; a map and no object, so that none is inherited. */
export const OPERATORS: ReadonlyMap<unknown, Operator> = new Map<string, Operator>([
  ['eq', EQUALITY],
  ['ne', EQUALITY],
  ['lt', ORDER],
  ['le', ORDER],
  ['gt', ORDER],
  ['ge', ORDER],
  ['in', MEMBERSHIP],
  ['nin', MEMBERSHIP],
  ['range', { takes: 'bounds', kind: 'ordered' }],
  ['startsWith', { takes: 'value', kind: 'text' }],
  ['contains', EQUALITY],
  ['containsAny', MEMBERSHIP],
  ['containsAll', MEMBERSHIP],
  ['exists', { takes: 'nothing', kind: 'scalar' }],
  ['and', { takes: 'exprs', kind: 'scalar' }],
  ['or', { takes: 'exprs', kind: 'scalar' }],
  ['not', { takes: 'expr', kind: 'scalar' }],
]);

/** Every key that any expression has. */
export const KNOWN_KEYS: ReadonlySet<string> = new Set([
  'op',
  'field',
  'fieldId',
  ...Object.values(PARTS).flat(),
]);

/** Whether an operator looks at a field, and does not combine expressions. */
export function isCondition(operator: Operator): boolean {
  return operator.takes !== 'exprs' && operator.takes !== 'expr';
}
