import { type CursorOwner, readCursor, refuseCursor, writeCursor } from './cursor.js';
import { PAGE_ROWS_MAX } from './limits.js';
import { checkBoolean, checkInteger, checkObject } from './options.js';
import { toRows } from './results.js';
import type { Session } from './session.js';
import type { RvfChanges, RvfChangesOptions } from './types-filter.js';
import { describe, invalid, refuse } from './validate.js';

const KEYS = new Set(['limit', 'cursor', 'includeVectors']);

/** `RvfDatabase.changes` over an engine. */
export async function changes(
  session: Session,
  sinceEpoch: number,
  given?: RvfChangesOptions,
): Promise<RvfChanges> {
  session.ensureOpen();
  if (!Number.isSafeInteger(sinceEpoch) || sinceEpoch < 0) {
    const text = `must be the epoch of a commit or of an earlier answer, an integer from 0, not ${describe(sinceEpoch)}`;
    refuse('sinceEpoch', invalid(text));
  }
  const options = checkObject<RvfChangesOptions>('options', given ?? {}, KEYS);
  const limit = checkInteger('options.limit', options.limit, 1, PAGE_ROWS_MAX, 1_000);
  const includeVectors = checkBoolean('options.includeVectors', options.includeVectors, false);
  const owner: CursorOwner = { kind: 'changes', fileId: session.info.fileId, filter: '' };
  const { cursor } = options;
  const [since, ...position] = cursor === undefined ? [sinceEpoch] : readCursor(owner, cursor);
  if (since !== sinceEpoch) {
    refuseCursor(
      `is of the changes since ${since}, not since ${sinceEpoch}; keep sinceEpoch from page to page`,
    );
  }
  const answer = await session.run(() => session.store.changes(since, position, limit, includeVectors));
  const page: RvfChanges = {
    upserted: toRows(answer, session.shape).map((entry, index) => ({
      ...entry,
      epoch: answer.epochs[index] as number,
    })),
    deleted: answer.deleted,
    epoch: answer.epoch,
  };
  if (answer.position.length > 0) {
    page.cursor = writeCursor(owner, [since, ...answer.position]);
  }
  return page;
}
