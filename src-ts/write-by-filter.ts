import type { RvfFilterExpr } from './filter.js';
import { filterText } from './filter-check.js';
import { reading } from './filter-values.js';
import { ingestOptions, prepare, toResult } from './ingest.js';
import { checkObject } from './options.js';
import { packStrings } from './pack.js';
import type { Session } from './session.js';
import type { RvfDeleteResult, RvfIngestEntry, RvfIngestOptions } from './types.js';
import type { RvfReplaceResult, RvfUpdateResult, RvfWriteOptions } from './types-filter.js';
import { checkIds, describe, invalid, isPlainObject, metadataText, refuse } from './validate.js';

const WRITE_KEYS = new Set(['signal']);

/** `RvfDatabase.deleteByFilter` over an engine. */
export async function deleteByFilter(
  session: Session,
  filter: RvfFilterExpr,
  given?: RvfWriteOptions,
): Promise<RvfDeleteResult> {
  session.ensureWritable();
  const options = writeOptions(given);
  const text = filterText('filter', filter);
  return session.run((control) => session.store.deleteWhere(text, control), options);
}

/** `RvfDatabase.updateMetadata` over an engine. */
export async function updateMetadata(
  session: Session,
  target: readonly string[] | RvfFilterExpr,
  patch: unknown,
  given?: RvfWriteOptions,
): Promise<RvfUpdateResult> {
  session.ensureWritable();
  const options = writeOptions(given);
  const text = patchText(patch);
  if (typeof target !== 'object' || target === null) {
    refuse('target', invalid(`must be an array of ids or a filter, not ${describe(target)}`));
  }
  // `isArray` throws for a proxy that was revoked.
  if (!reading('filter', () => Array.isArray(target))) {
    const filter = filterText('filter', target);
    return session.run((control) => session.store.updateMetadata(null, null, filter, text, control), options);
  }
  checkIds(target);
  if (target.length === 0) {
    return { updated: 0, epoch: session.runSync(() => session.store.status()).epoch };
  }
  const { bytes, offsets } = packStrings('ids', target);
  return session.run((control) => session.store.updateMetadata(bytes, offsets, '', text, control), options);
}

/** `RvfDatabase.replaceWhere` over an engine. */
export async function replaceWhere(
  session: Session,
  filter: RvfFilterExpr,
  entries: readonly RvfIngestEntry[],
  given?: RvfIngestOptions,
): Promise<RvfReplaceResult> {
  session.ensureWritable();
  const options = ingestOptions(given);
  const text = filterText('filter', filter);
  const batch = prepare(session, entries, options ?? {});
  if (batch.entries === 0) {
    const { deleted, epoch } = await session.run(
      (control) => session.store.deleteWhere(text, control),
      options,
    );
    return { ...toResult(batch, { accepted: 0, epoch, skipped: [] }), deleted };
  }
  const answer = await session.run(
    (control) => session.store.replaceWhere(text, ...batch.arguments, control),
    options,
  );
  return { ...toResult(batch, answer), deleted: answer.deleted };
}

function writeOptions(given: RvfWriteOptions | undefined): RvfWriteOptions | undefined {
  return given === undefined ? undefined : checkObject<RvfWriteOptions>('options', given, WRITE_KEYS);
}

/** The JSON text of a patch, which keeps the rules of metadata and is an object. */
function patchText(patch: unknown): string {
  const text = metadataText(patch, refuseHiddenNull);
  if (typeof text !== 'string') {
    return refuse('patch', text);
  }
  // A map or a promise is an object without keys, and not what anybody means.
  if (!text.startsWith('{') || (text === '{}' && !isPlainObject(patch))) {
    const what = `must be an object as { key: value, removed: null }, not ${describe(patch)}`;
    refuse('patch', invalid(`${what}; ingestBatch replaces an entry whole`));
  }
  return text;
}

/** NaN, infinities and invalid dates are null in JSON, and null removes. */
function refuseHiddenNull(this: unknown, key: string, value: unknown): unknown {
  const given = (this as Record<string, unknown>)[key];
  if ((value === null && given !== null) || (typeof value === 'number' && !Number.isFinite(value))) {
    throw new Error(`${describe(key)} is ${describe(given)}; give null to remove it`);
  }
  return value;
}
