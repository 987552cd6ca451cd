import { type EngineIngest, ON_DUPLICATE } from './engine.js';
import { checkEntry, type EntryProblem } from './entry.js';
import { GROUP_ENTRIES_MAX } from './ingest-group.js';
import { BATCH_ENTRIES_MAX } from './limits.js';
import { checkChoice, checkObject } from './options.js';
import { packStrings } from './pack.js';
import type { Session } from './session.js';
import type {
  RvfIngestEntry,
  RvfIngestOptions,
  RvfIngestResult,
  RvfIngestSyncOptions,
  RvfRejection,
} from './types.js';
import { describe, invalid, problemError, refuse } from './validate.js';
import { RowWriter } from './vectors.js';

const SYNC_KEYS = new Set(['onInvalid', 'onDuplicate']);
const KEYS = new Set([...SYNC_KEYS, 'signal', 'timeoutMs', 'onProgress']);

/** A batch as the engine takes it, and what was left out of it. */
export interface PreparedBatch {
  /** What engine calls that store entries take. */
  arguments: readonly [
    ids: Uint8Array,
    idOffsets: Uint32Array,
    vectors: Uint8Array,
    metadata: Uint8Array | null,
    metadataOffsets: Uint32Array | null,
    onDuplicate: number,
  ];
  /** How many entries the engine gets. */
  entries: number;
  /** Place, among the entries given, of each entry that is in the batch; absent where all of them are. */
  places: number[] | undefined;
  rejections: RvfRejection[];
}

/** `RvfDatabase.ingestBatch` over an engine. */
export async function ingestBatch(
  session: Session,
  entries: readonly RvfIngestEntry[],
  given?: RvfIngestOptions,
): Promise<RvfIngestResult> {
  if (given === undefined && Array.isArray(entries) && isFew(entries.length)) {
    session.ensureWritable();
    return session.ingestInGroup(entries);
  }
  const options = ingestOptions(given);
  const batch = prepare(session, entries, options ?? {});
  if (batch.entries === 0) {
    return nothingToDo(session, batch);
  }
  const answer = await session.run((control) => session.store.ingest(...batch.arguments, control), options);
  return toResult(batch, answer);
}

/** The options of asynchronous calls that store entries; nothing where none are given. */
export function ingestOptions(given: RvfIngestOptions | undefined): RvfIngestOptions | undefined {
  return given === undefined ? undefined : checkObject<RvfIngestOptions>('options', given, KEYS);
}

/** Whether a batch is small enough to travel with others of the same turn of the event loop. */
function isFew(entries: number): boolean {
  return entries > 0 && entries <= GROUP_ENTRIES_MAX;
}

/** `RvfDatabase.ingestBatchSync` over an engine. */
export function ingestBatchSync(
  session: Session,
  entries: readonly RvfIngestEntry[],
  given?: RvfIngestSyncOptions,
): RvfIngestResult {
  const options = given === undefined ? {} : checkObject<RvfIngestSyncOptions>('options', given, SYNC_KEYS);
  const batch = prepare(session, entries, options);
  if (batch.entries === 0) {
    return nothingToDo(session, batch);
  }
  const answer = session.runSync(() => session.store.ingestSync(...batch.arguments, session.busyTimeoutMs));
  return toResult(batch, answer);
}

/**
 * Checks entries and lays them out.
 *
 * @throws RvfError naming the entry or the option that is wrong; `ReadOnly` where the store takes no writes.
 */
export function prepare(
  session: Session,
  entries: readonly RvfIngestEntry[],
  options: RvfIngestSyncOptions,
): PreparedBatch {
  session.ensureWritable();
  if (!Array.isArray(entries)) {
    refuse('entries', invalid(`must be an array, not ${describe(entries)}`));
  }
  if (entries.length > BATCH_ENTRIES_MAX) {
    refuse('entries', invalid(`are ${entries.length}, more than ${BATCH_ENTRIES_MAX}; split the batch`));
  }
  const onInvalid = checkChoice(
    'options.onInvalid',
    options.onInvalid,
    ['throw', 'reject'] as const,
    'throw',
  );
  const onDuplicate = checkChoice(
    'options.onDuplicate',
    options.onDuplicate,
    ['replace', 'error', 'skip'] as const,
    'replace',
  );
  return pack(session, entries, onInvalid === 'reject', ON_DUPLICATE[onDuplicate]);
}

function pack(
  session: Session,
  entries: readonly RvfIngestEntry[],
  mayReject: boolean,
  onDuplicate: number,
): PreparedBatch {
  const rows = new RowWriter(session.shape, entries.length);
  const ids: string[] = [];
  const texts: string[] = [];
  const places: number[] = [];
  const rejections: RvfRejection[] = [];
  let anyMetadata = false;
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index] as RvfIngestEntry;
    const text = checkEntry(rows, ids.length, entry, session.schema);
    if (typeof text === 'string') {
      ids.push(entry.id);
      texts.push(text);
      places.push(index);
      anyMetadata ||= text !== '';
    } else if (mayReject) {
      rejections.push(toRejection(index, entry, text));
    } else {
      throw problemError(`entries[${index}]${text.part}`, text);
    }
  }
  const packed = packStrings('the ids of entries', ids);
  const metadata = anyMetadata ? packStrings('the metadata of entries', texts) : undefined;
  return {
    arguments: [
      packed.bytes,
      packed.offsets,
      rows.bytes(ids.length),
      metadata?.bytes ?? null,
      metadata?.offsets ?? null,
      onDuplicate,
    ],
    entries: ids.length,
    places: rejections.length === 0 ? undefined : places,
    rejections,
  };
}

function toRejection(index: number, entry: RvfIngestEntry | null, problem: EntryProblem): RvfRejection {
  const id = (entry as { id?: unknown } | null | undefined)?.id;
  const { code, message } = problemError(`entries[${index}]${problem.part}`, problem);
  return { index, id: typeof id === 'string' ? id : '', code, message };
}

function nothingToDo(session: Session, batch: PreparedBatch): RvfIngestResult {
  const { epoch } = session.runSync(() => session.store.status());
  return toResult(batch, { accepted: 0, epoch, skipped: [] });
}

/** What became of a batch, for the caller. */
export function toResult(batch: PreparedBatch, answer: EngineIngest): RvfIngestResult {
  const { places, rejections } = batch;
  const result: RvfIngestResult = {
    accepted: answer.accepted,
    rejected: rejections.length,
    epoch: answer.epoch,
  };
  if (rejections.length > 0) {
    result.rejections = rejections;
  }
  if (answer.skipped.length > 0) {
    result.skipped =
      places === undefined ? answer.skipped : answer.skipped.map((index) => places[index] as number);
  }
  return result;
}
