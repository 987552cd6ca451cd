import type { RvfFilterExpr, RvfFilterValue } from '../../src-ts/filter.js';

/** Answers numbers from 0 to 1, the same in every run: see `randomNumbers`. */
type Random = () => number;

/** Where UTF-16 and UTF-8 order differently, prefixes of each other, and texts that look like other things. */
// biome-ignore format: a table
const TEXTS = [
  '', 'a', 'ab', 'abc', 'B', 'games', 'gamma', 'é', 'e\u0301', 'ﬁ', '\uffff', '😀', '😀a', '1', 'true', 'null', '\0', '"\\',
];
/** Only documents have halves of surrogate pairs: filters with them are refused. */
const STORED_TEXTS = [...TEXTS, 'a\ud800', '\udc00', '\ud800b'];
const NUMBERS = [
  0,
  -0,
  1,
  -1,
  1.5,
  2,
  3,
  10,
  100,
  1e6,
  2 ** 32,
  2 ** 53,
  -(2 ** 53),
  1e308,
  -1e308,
  5e-324,
  0.1 + 0.2,
];
/** Beginnings that indexes may keep instead of whole texts. */
const BEGINNINGS = [60, 63, 64, 65, 1_023, 1_024, 1_030].map((length) =>
  'long '.repeat(206).slice(0, length),
);
const TAGS = ['new', 'hot', 'old', 'a', 'ab', '😀', ''];
const SECTIONS = ['games', 'news', 'shop', 'mail'];

/** Name of each field and what it holds; names that objects inherit are names like any other. */
const FIELDS: Record<string, (random: Random) => unknown> = Object.fromEntries<(random: Random) => unknown>([
  ['section', (random) => SECTIONS[Math.floor(random() ** 2 * SECTIONS.length)]],
  ['size', (random) => Math.floor(random() ** 4 * 1000)],
  ['price', (random) => (random() < 0.5 ? one(random, NUMBERS) : random() * 100 - 50)],
  ['title', (random) => one(random, STORED_TEXTS)],
  ['text', (random) => one(random, BEGINNINGS) + one(random, TEXTS)],
  ['open', (random) => random() < 0.7],
  ['tags', (random) => some(random, TAGS, 4)],
  ['scores', (random) => some(random, NUMBERS, 3)],
  ['mixed', anyValue],
  ['__proto__', (random) => one(random, SECTIONS)],
  ['constructor', (random) => one(random, NUMBERS)],
  ['toString', (random) => some(random, TAGS, 2)],
  ['', anyValue],
  ['a.b', (random) => one(random, NUMBERS)],
  ['$size', (random) => one(random, NUMBERS)],
]);
const FIELD_NAMES = Object.keys(FIELDS);

/** Metadata of some entries: most are objects with most of the fields, a few are other JSON values, or none at all. */
export function randomDocuments(random: Random, count: number): unknown[] {
  return Array.from({ length: count }, () => {
    if (random() < 0.04) {
      return one(random, [undefined, null, 1, 'section', ['games'], [], {}, true]);
    }
    const names = FIELD_NAMES.filter(() => random() < 0.8);
    // What JSON makes of it, as -0 and the order of keys do not come back from a store.
    return JSON.parse(
      JSON.stringify(Object.fromEntries(names.map((name) => [name, fieldValue(random, name)]))),
    );
  });
}

/**
 * A filter of some shape over those documents. Most values come out of one of them, so that most filters match
 * something, and few match everything.
 *
 * @param depth - How deep it nests at most.
 */
export function randomFilter(random: Random, documents: readonly unknown[], depth = 3): RvfFilterExpr {
  const kind = depth <= 1 ? 0 : random();
  if (kind > 0.85) {
    return { op: 'not', expr: randomFilter(random, documents, depth - 1) };
  }
  if (kind > 0.5) {
    const length = Math.floor(random() * 4) + (random() < 0.9 ? 1 : 0);
    const exprs = Array.from({ length }, () => randomFilter(random, documents, depth - 1));
    return { op: random() < 0.5 ? 'and' : 'or', exprs };
  }
  return randomCondition(random, documents);
}

/** A merge patch of some shape: with what documents have, with null, and with objects inside. */
export function randomPatch(random: Random, documents: readonly unknown[]): object {
  const names = some(random, FIELD_NAMES, 3);
  const values = names.map((name) => {
    const kind = random();
    if (kind < 0.3) {
      return [name, null];
    }
    return [
      name,
      kind < 0.5
        ? { section: null, deep: { a: one(random, TEXTS), b: null } }
        : sample(random, documents, name),
    ];
  });
  return JSON.parse(JSON.stringify(Object.fromEntries(values))) as object;
}

/** A condition on one field. */
export function randomCondition(random: Random, documents: readonly unknown[]): RvfFilterExpr {
  const field = random() < 0.03 ? 'no such field' : one(random, FIELD_NAMES);
  const found = sample(random, documents, field);
  const operators = random() < 0.1 ? ALL_OPERATORS : operatorsFor(found);
  return condition(random, one(random, operators), field, () =>
    random() < 0.8 ? found : sample(random, documents, field),
  );
}

type ConditionOperator = Exclude<RvfFilterExpr['op'], 'and' | 'or' | 'not'>;

const ARRAY_OPERATORS = ['contains', 'containsAny', 'containsAll', 'exists'] as const;
const EQUALITY_OPERATORS = ['eq', 'ne', 'in', 'nin', 'exists'] as const;
const ORDER_OPERATORS = [...EQUALITY_OPERATORS, 'lt', 'le', 'gt', 'ge', 'range'] as const;
const TEXT_OPERATORS = [...ORDER_OPERATORS, 'startsWith'] as const;

/** Every operator that looks at a field. */
export const ALL_OPERATORS: readonly ConditionOperator[] = [
  ...new Set([...TEXT_OPERATORS, ...ARRAY_OPERATORS]),
];

function operatorsFor(value: unknown): readonly ConditionOperator[] {
  if (Array.isArray(value)) {
    return ARRAY_OPERATORS;
  }
  return typeof value === 'string'
    ? TEXT_OPERATORS
    : typeof value === 'number'
      ? ORDER_OPERATORS
      : EQUALITY_OPERATORS;
}

function condition(random: Random, op: ConditionOperator, field: string, next: () => unknown): RvfFilterExpr {
  switch (op) {
    case 'exists':
      return { op, field };
    case 'startsWith': {
      const characters = [...String(scalar(random, next()))];
      return {
        op,
        field,
        value: characters.slice(0, Math.floor(random() * (characters.length + 1))).join(''),
      };
    }
    case 'range': {
      const low = ordered(random, next());
      return { op, field, low, high: upper(random, low) };
    }
    case 'lt':
    case 'le':
    case 'gt':
    case 'ge':
      return { op, field, value: ordered(random, next()) };
    case 'eq':
    case 'ne':
    case 'contains':
      return { op, field, value: scalar(random, next()) };
    default: {
      const length = random() < 0.1 ? 0 : 1 + Math.floor(random() * 4);
      return { op, field, values: Array.from({ length }, () => scalar(random, next())) };
    }
  }
}

/** What a random document has in a field; documents without it are passed over a few times. */
function sample(random: Random, documents: readonly unknown[], field: string): unknown {
  for (let attempt = 0; attempt < 4 && documents.length > 0; attempt++) {
    const document = one(random, documents);
    if (typeof document === 'object' && document !== null && Object.hasOwn(document, field)) {
      return (document as Record<string, unknown>)[field];
    }
  }
  return anyValue(random);
}

/** A scalar, or null, like `value`: itself, or one of its elements. */
function scalar(random: Random, value: unknown): RvfFilterValue | null {
  const inner = Array.isArray(value) && value.length > 0 ? one(random, value) : value;
  const isText = typeof inner === 'string' && !/\p{Surrogate}/u.test(inner);
  const isScalar = inner === null || isText || typeof inner === 'number' || typeof inner === 'boolean';
  return isScalar ? inner : one<RvfFilterValue | null>(random, [...TEXTS, ...NUMBERS, true, false, null]);
}

function ordered(random: Random, value: unknown): number | string {
  const found = scalar(random, value);
  return typeof found === 'boolean' || found === null ? one(random, NUMBERS) : found;
}

/** A bound of the same type, mostly above `low`. */
function upper(random: Random, low: number | string): number | string {
  if (typeof low === 'string') {
    return random() < 0.5 ? one(random, TEXTS) : `${low}😀`;
  }
  return random() < 0.2 ? one(random, NUMBERS) : Math.min(low + (Math.abs(low) + 1) * random(), 1e308);
}

function fieldValue(random: Random, name: string): unknown {
  const rare = random();
  return rare < 0.02 ? null : rare < 0.06 ? anyValue(random) : FIELDS[name]?.(random);
}

function anyValue(random: Random): unknown {
  switch (Math.floor(random() * 8)) {
    case 0:
      return null;
    case 1:
      return random() < 0.5;
    case 2:
    case 3:
      return one(random, NUMBERS);
    case 4:
      return [one(random, TEXTS), one(random, NUMBERS), random() < 0.5, null, ['new'], { new: 1 }];
    case 5:
      return { section: 'games', size: 1 };
    default:
      return one(random, TEXTS);
  }
}

function one<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)] as T;
}

function some<T>(random: Random, from: readonly T[], atMost: number): T[] {
  return Array.from({ length: Math.floor(random() * (atMost + 1)) }, () => one(random, from));
}
