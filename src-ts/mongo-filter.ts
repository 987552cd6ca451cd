import type { RvfFilterExpr } from './filter.js';
import { filterError, reading } from './filter-values.js';
import { Translator } from './mongo-translator.js';
import type { RvfMongoFilter, RvfMongoOptions } from './mongo-types.js';
import { checkBoolean, checkObject } from './options.js';
import { describe, isPlainObject } from './validate.js';

const OPTION_KEYS = new Set(['matchArrays']);

/**
 * The expression that a MongoDB-like filter means, as Mastra, AgentDB, LangChain, Pinecone and Chroma take them.
 *
 * - `{ section: 'games' }` is `$eq`; several fields, and several operators of one field, must all hold; `{}` matches
 *   everything.
 * - Operators: `$eq $ne $gt $gte $lt $lte $in $nin $exists $range $startsWith $contains $containsAny $containsAll $not`
 *   on a field, `$and $or $nor $not` beside fields, and the other spellings `$ge $le $all $not_contains`. Any other is
 *   an error, never passed over.
 * - A key is the literal name of a field: `'a.b'` is no path into nested objects, which no condition sees.
 * - A `Date` is compared as the string that JSON makes of it.
 * - `null` matches null and, as in MongoDB, entries without the field; `{ $ne: null }` those that have a value. It means
 *   so in `$eq $ne $in $nin` and as a plain value.
 * - `undefined` is an error: a condition left out by accident matches too much.
 * - An array as a plain value is an error, too: MongoDB means an equal array, others one of the values. Say `$in`,
 *   `$containsAny` or `$containsAll`.
 * - As in every filter of this package `$eq` and `$in` do not look into arrays; `matchArrays` makes them.
 *
 * @example
 * ```ts
 * await db.query(vector, 10, { filter: fromMongo({ section: 'games', size: { $gt: 1, $lt: 5 } }) });
 * ```
 *
 * @throws RvfError `FilterParseError` naming the part that is wrong, as in `filter.size.$gt`.
 */
export function fromMongo<M = unknown>(
  filter: RvfMongoFilter<M>,
  options?: RvfMongoOptions,
): RvfFilterExpr<M> {
  const given = checkObject<RvfMongoOptions>('options', options ?? {}, OPTION_KEYS);
  reading('filter', () => {
    // Others, such as a promise or a map, have no keys of their own, and without keys a filter matches everything.
    if (typeof filter === 'object' && filter !== null && !Array.isArray(filter) && !isPlainObject(filter)) {
      throw filterError('filter', `must be a plain object as { field: value }, not ${describe(filter)}`);
    }
  });
  const translator = new Translator(checkBoolean('options.matchArrays', given.matchArrays, false));
  return reading('filter', () => translator.filter('filter', filter, 1)) as RvfFilterExpr<M>;
}
