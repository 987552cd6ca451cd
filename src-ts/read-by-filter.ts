import { onlySignal } from './call.js';
import { type CursorOwner, readCursor, writeCursor } from './cursor.js';
import type { EngineControl, EnginePage } from './engine.js';
import type { RvfFilterExpr } from './filter.js';
import { filterText } from './filter-check.js';
import { PAGE_ROWS_MAX } from './limits.js';
import { checkBoolean, checkInteger, checkMilliseconds, checkObject } from './options.js';
import { parsePlan, toRows } from './results.js';
import type { Session } from './session.js';
import type { RvfCallOptions, RvfRow } from './types.js';
import type { RvfFilterPlan, RvfFilterQueryOptions, RvfListOptions, RvfPage } from './types-filter.js';
import { invalid, refuse } from './validate.js';

const COUNT_KEYS = new Set(['signal', 'timeoutMs']);
const QUERY_KEYS = new Set([...COUNT_KEYS, 'limit', 'includeVectors']);
const LIST_KEYS = new Set([...QUERY_KEYS, 'filter', 'cursor']);

/** Numbering of rows that `listWhere` takes for any. */
const ANY_GENERATION = -1;

/** `RvfDatabase.count` over an engine. */
export async function count(
  session: Session,
  filter?: RvfFilterExpr,
  given?: RvfCallOptions,
): Promise<number> {
  session.ensureOpen();
  if (filter === undefined && given === undefined) {
    return session.runSync(() => session.store.count());
  }
  const options = checkObject<RvfCallOptions>('options', given ?? {}, COUNT_KEYS);
  const timeoutMs = checkMilliseconds('options.timeoutMs', options.timeoutMs, 0);
  const text = filter === undefined ? undefined : filterText('filter', filter);
  const counting = async (control?: EngineControl): Promise<number> =>
    text === undefined ? session.store.count() : session.store.countWhere(text, timeoutMs, control);
  return session.run(counting, onlySignal(options));
}

/** `RvfDatabase.list` over an engine. */
export async function list(session: Session, given?: RvfListOptions): Promise<RvfPage> {
  session.ensureOpen();
  const options = checkObject<RvfListOptions>('options', given ?? {}, LIST_KEYS);
  const limit = checkInteger('options.limit', options.limit, 1, PAGE_ROWS_MAX, 100);
  const includeVectors = checkBoolean('options.includeVectors', options.includeVectors, false);
  const timeoutMs = checkMilliseconds('options.timeoutMs', options.timeoutMs, 0);
  const filter = options.filter === undefined ? '' : filterText('options.filter', options.filter);
  const owner: CursorOwner = { kind: 'list', fileId: session.info.fileId, filter };
  const { cursor } = options;
  const [generation, row] = cursor === undefined ? [ANY_GENERATION, 0] : readCursor(owner, cursor);
  const answer = await session.run(
    (control) => session.store.listWhere(filter, row, generation, limit, includeVectors, timeoutMs, control),
    onlySignal(options),
  );
  const page: RvfPage = { rows: toRows(answer, session.shape) };
  if (answer.next >= 0) {
    page.cursor = writeCursor(owner, [answer.generation, answer.next]);
  }
  return page;
}

/** `RvfDatabase.queryByFilter` over an engine. */
export async function queryByFilter(
  session: Session,
  filter: RvfFilterExpr,
  given?: RvfFilterQueryOptions,
): Promise<RvfRow[]> {
  session.ensureOpen();
  const options = checkObject<RvfFilterQueryOptions>('options', given ?? {}, QUERY_KEYS);
  const limit = checkInteger('options.limit', options.limit, 1, PAGE_ROWS_MAX, PAGE_ROWS_MAX);
  const includeVectors = checkBoolean('options.includeVectors', options.includeVectors, false);
  const text = filterText('filter', filter);
  return session.run(
    async (control) => {
      const start: Pick<EnginePage, 'next' | 'generation'> = { next: 0, generation: ANY_GENERATION };
      let rows: RvfRow[] = [];
      let page = start;
      const pageOf = (most: number) =>
        session.store.listWhere(text, page.next, ANY_GENERATION, most, includeVectors, 0, control);
      while (page.next >= 0 && rows.length < limit) {
        const answer = await pageOf(limit - rows.length);
        if (page !== start && answer.generation !== page.generation) {
          // A compaction has given the entries other places.
          rows = [];
          page = start;
          continue;
        }
        rows = rows.concat(toRows(answer, session.shape));
        page = answer;
      }
      // A part of the answer that nobody asked for would be a wrong one.
      if (options.limit === undefined && page.next >= 0 && (await pageOf(1)).ids.length > 0) {
        const advice = 'give a limit for the first of them, or page through all with list({ filter })';
        refuse('filter', invalid(`fits more than ${PAGE_ROWS_MAX} entries; ${advice}`));
      }
      return rows;
    },
    { signal: options.signal, timeoutMs: options.timeoutMs },
  );
}

/** `RvfDatabase.explain` of a filter over an engine. */
export async function explainFilter(session: Session, filter: RvfFilterExpr): Promise<RvfFilterPlan> {
  session.ensureOpen();
  const text = filterText('filter', filter);
  return parsePlan<RvfFilterPlan>(await session.run(() => session.store.explain(text)));
}
