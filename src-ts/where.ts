import type { RvfFilterExpr, RvfFilterValue } from './filter.js';
import type { RvfClause, RvfSubject, RvfWhere } from './where-types.js';

/**
 * Begins a filter that reads like a sentence. What comes out is a plain {@link RvfFilterExpr}, frozen, which can be used
 * as it is, kept, sent as JSON and added to: adding makes a new one.
 *
 * @example
 * ```ts
 * interface Page { section: string; size: number; tags?: string[] }
 *
 * const page = where<Page>(); // knows the fields of a page, and their types
 * await db.query(vector, 10, { filter: page('section').is('games').and('size').below(1e6) });
 * await db.count(anyOf(page('tags').has('new'), not(page('section').startsWith('old-'))));
 * ```
 *
 * @typeParam M - Shape of the metadata, the `M` of `RvfDatabase<M>`.
 * @returns What takes the name of a field of `M`.
 */
export function where<M>(): RvfWhere<M>;
/**
 * Begins a filter with a field of which nothing is known: it takes every condition.
 *
 * @example
 * ```ts
 * await db.count(where('section').is('games').or('size').between(0, 1e6));
 * ```
 */
export function where(field: string): RvfSubject<unknown, RvfClause>;
export function where(field?: string): unknown {
  const begin = (name: string) => new Subject(name, (expr) => new Clause(expr));
  return field === undefined ? begin : begin(field);
}

/** All of the filters must hold; none given, everything matches. */
export function allOf<M>(...filters: RvfFilterExpr<M>[]): RvfClause<M> {
  return new Clause(joined('and', filters)) as unknown as RvfClause<M>;
}

/** Any of the filters must hold; none given, nothing matches. */
export function anyOf<M>(...filters: RvfFilterExpr<M>[]): RvfClause<M> {
  return new Clause(joined('or', filters)) as unknown as RvfClause<M>;
}

/** The filter must not hold. An entry without a field that the filter names matches then, too. */
export function not<M>(filter: RvfFilterExpr<M>): RvfClause<M> {
  return new Clause({ op: 'not', expr: plain(filter) }) as unknown as RvfClause<M>;
}

/** A field, waiting for what is said of it. The types offer only what fits the field. */
class Subject<Result> {
  readonly #field: string;
  readonly #finish: (expr: RvfFilterExpr) => Result;

  constructor(field: string, finish: (expr: RvfFilterExpr) => Result) {
    this.#field = field;
    this.#finish = finish;
  }

  exists(): Result {
    return this.#finish({ op: 'exists', field: this.#field });
  }

  isMissing(): Result {
    return this.#finish({ op: 'not', expr: { op: 'exists', field: this.#field } });
  }

  is(value: RvfFilterValue | null): Result {
    return this.#finish({ op: 'eq', field: this.#field, value });
  }

  isNot(value: RvfFilterValue | null): Result {
    return this.#finish({ op: 'ne', field: this.#field, value });
  }

  in(values: readonly (RvfFilterValue | null)[]): Result {
    return this.#finish({ op: 'in', field: this.#field, values: frozen(values) });
  }

  notIn(values: readonly (RvfFilterValue | null)[]): Result {
    return this.#finish({ op: 'nin', field: this.#field, values: frozen(values) });
  }

  above(value: number | string): Result {
    return this.#finish({ op: 'gt', field: this.#field, value });
  }

  atLeast(value: number | string): Result {
    return this.#finish({ op: 'ge', field: this.#field, value });
  }

  below(value: number | string): Result {
    return this.#finish({ op: 'lt', field: this.#field, value });
  }

  atMost(value: number | string): Result {
    return this.#finish({ op: 'le', field: this.#field, value });
  }

  between(low: number | string, high: number | string): Result {
    return this.#finish({ op: 'range', field: this.#field, low, high });
  }

  startsWith(value: string): Result {
    return this.#finish({ op: 'startsWith', field: this.#field, value });
  }

  has(value: RvfFilterValue | null): Result {
    return this.#finish({ op: 'contains', field: this.#field, value });
  }

  hasAny(values: readonly (RvfFilterValue | null)[]): Result {
    return this.#finish({ op: 'containsAny', field: this.#field, values: frozen(values) });
  }

  hasAll(values: readonly (RvfFilterValue | null)[]): Result {
    return this.#finish({ op: 'containsAll', field: this.#field, values: frozen(values) });
  }
}

/** An expression with methods beside it: its own properties are those of the expression, and no others. */
abstract class Sentence {
  constructor(expr: RvfFilterExpr) {
    Object.freeze(Object.assign(this, expr));
  }

  /** The conditions of this sentence, and one more. */
  protected with<Result>(
    next: string | RvfFilterExpr,
    finish: (exprs: RvfFilterExpr[]) => Result,
  ): Result | Subject<Result> {
    const add = (expr: RvfFilterExpr) => finish([...this.conditions(), expr]);
    return typeof next === 'string' ? new Subject(next, add) : add(next);
  }

  protected conditions(): RvfFilterExpr[] {
    return [this as unknown as RvfFilterExpr];
  }
}

class Clause extends Sentence {
  and(next: string | RvfFilterExpr): Conjunction | Subject<Conjunction> {
    return this.with(next, (exprs) => new Conjunction(joined('and', exprs)));
  }

  or(next: string | RvfFilterExpr): Disjunction | Subject<Disjunction> {
    return this.with(next, (exprs) => new Disjunction(joined('or', exprs)));
  }
}

class Conjunction extends Sentence {
  declare readonly exprs: RvfFilterExpr[];

  and(next: string | RvfFilterExpr): Conjunction | Subject<Conjunction> {
    return this.with(next, (exprs) => new Conjunction(joined('and', exprs)));
  }

  protected override conditions(): RvfFilterExpr[] {
    return this.exprs;
  }
}

class Disjunction extends Sentence {
  declare readonly exprs: RvfFilterExpr[];

  or(next: string | RvfFilterExpr): Disjunction | Subject<Disjunction> {
    return this.with(next, (exprs) => new Disjunction(joined('or', exprs)));
  }

  protected override conditions(): RvfFilterExpr[] {
    return this.exprs;
  }
}

function joined(op: 'and' | 'or', filters: readonly unknown[]): RvfFilterExpr {
  return { op, exprs: Object.freeze(filters.map(plain)) as RvfFilterExpr[] };
}

/** An expression without the methods of a sentence, which inside another nobody needs. */
function plain(filter: unknown): RvfFilterExpr {
  return Object.freeze({ ...(filter as RvfFilterExpr) });
}

/** A list of its own; what is none, such as a string that would fall into characters, stays to be refused. */
function frozen(values: readonly (RvfFilterValue | null)[]): readonly (RvfFilterValue | null)[] {
  return Array.isArray(values) ? Object.freeze([...values]) : values;
}
