import { filterText } from './filter-check.js';
import { ITERATE_BATCH_MAX } from './limits.js';
import { checkBoolean, checkInteger, checkObject } from './options.js';
import { packStrings } from './pack.js';
import { toRows } from './results.js';
import type { Session } from './session.js';
import type { RvfGetOptions, RvfIterateOptions, RvfRow } from './types.js';
import { checkIds } from './validate.js';

const GET_KEYS = new Set(['includeVectors']);
const ITERATE_KEYS = new Set(['filter', 'includeVectors', 'batchSize']);

/** `RvfDatabase.get` over an engine. */
export async function get(
  session: Session,
  ids: readonly string[],
  given?: RvfGetOptions,
): Promise<RvfRow[]> {
  session.ensureOpen();
  const options = checkObject<RvfGetOptions>('options', given ?? {}, GET_KEYS);
  const includeVectors = checkBoolean('options.includeVectors', options.includeVectors, false);
  checkIds(ids);
  if (ids.length === 0) {
    return [];
  }
  const { bytes, offsets } = packStrings('ids', ids);
  const rows = await session.run(() => session.store.get(bytes, offsets, includeVectors));
  return toRows(rows, session.shape);
}

/**
 * `RvfDatabase.iterate` over an engine: the rows of the moment of this call, whenever they are asked for. A generator
 * alone would do neither: it takes its snapshot at the first `next`, and does not clean up if there is none.
 */
export function iterate(session: Session, given?: RvfIterateOptions): AsyncIterableIterator<RvfRow> {
  session.ensureOpen();
  const options = checkObject<RvfIterateOptions>('options', given ?? {}, ITERATE_KEYS);
  const includeVectors = checkBoolean('options.includeVectors', options.includeVectors, false);
  const batchSize = checkInteger('options.batchSize', options.batchSize, 1, ITERATE_BATCH_MAX, 1_000);
  const filter = options.filter === undefined ? '' : filterText('options.filter', options.filter);
  const snapshot = session.runSync(() => session.store.snapshot());
  const release = session.onClose(() => snapshot.release());

  async function* rows(): AsyncGenerator<RvfRow> {
    try {
      for (let cursor = 0; cursor >= 0; ) {
        const page = await session.run(() => snapshot.rows(cursor, batchSize, includeVectors, filter));
        for (const row of toRows(page, session.shape)) {
          yield row;
          session.ensureOpen();
        }
        cursor = page.next;
      }
    } finally {
      release();
    }
  }

  const generator = rows();
  const iterator: AsyncIterableIterator<RvfRow> = {
    next: () => generator.next(),
    return: (value) => {
      release();
      return generator.return(value);
    },
    throw: (error) => {
      release();
      return generator.throw(error);
    },
    [Symbol.asyncIterator]: () => iterator,
  };
  return iterator;
}
