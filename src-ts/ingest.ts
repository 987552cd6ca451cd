import { type EngineIngest, ON_DUPLICATE } from './engine.js';
import { checkEntry, type EntryProblem } from './entry.js';
import { GROUP_ENTRIES_MAX } from './ingest-group.js';
import { BATCH_ENTRIES_MAX } from './limits.js';
import { checkChoice, checkObject } from './options.js';
import { type PackedStrings, packStrings } from './pack.js';
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
interface PreparedBatch {
  ids: PackedStrings;
  vectors: Uint8Array;
  metadata: PackedStrings | undefined;
  onDuplicate: number;
  /** Place, among the entries given, of each entry that is in the batch; absent where all of them are. */
  places: number[] | undefined;
  rejections: RvfRejection[];
}

/** `RvfDatabase.ingestBatch` over an engine. */
export async function ingestBatch(
  session: Session,
  entries: RvfIngestEntry[],
  given?: RvfIngestOptions,
): Promise<RvfIngestResult> {
  if (given === undefined && Array.isArray(entries) && isFew(entries.length)) {
    session.ensureWritable();
    return session.ingestInGroup(entries);
  }
  const options = given === undefined ? {} : checkObject<RvfIngestOptions>('options', given, KEYS);
  const batch = prepare(session, entries, options);
  if (batch.ids.offsets.length === 1) {
    return nothingToDo(session, batch);
  }
  const answer = await session.run(
    (control) =>
      session.store.ingest(
        batch.ids.bytes,
        batch.ids.offsets,
        batch.vectors,
        batch.metadata?.bytes ?? null,
        batch.metadata?.offsets ?? null,
        batch.onDuplicate,
        control,
      ),
    given === undefined ? undefined : options,
  );
  return toResult(batch, answer);
}

/** Whether a batch is small enough to travel with others of the same turn of the event loop. */
function isFew(entries: number): boolean {
  return entries > 0 && entries <= GROUP_ENTRIES_MAX;
}

/** `RvfDatabase.ingestBatchSync` over an engine. */
export function ingestBatchSync(
  session: Session,
  entries: RvfIngestEntry[],
  given?: RvfIngestSyncOptions,
): RvfIngestResult {
  const options = given === undefined ? {} : checkObject<RvfIngestSyncOptions>('options', given, SYNC_KEYS);
  const batch = prepare(session, entries, options);
  if (batch.ids.offsets.length === 1) {
    return nothingToDo(session, batch);
  }
  const answer = session.runSync(() =>
    session.store.ingestSync(
      batch.ids.bytes,
      batch.ids.offsets,
      batch.vectors,
      batch.metadata?.bytes ?? null,
      batch.metadata?.offsets ?? null,
      batch.onDuplicate,
      session.busyTimeoutMs,
    ),
  );
  return toResult(batch, answer);
}

function prepare(session: Session, entries: RvfIngestEntry[], options: RvfIngestSyncOptions): PreparedBatch {
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
  return { ...pack(session, entries, onInvalid === 'reject'), onDuplicate: ON_DUPLICATE[onDuplicate] };
}

function pack(
  session: Session,
  entries: RvfIngestEntry[],
  mayReject: boolean,
): Omit<PreparedBatch, 'onDuplicate'> {
  const rows = new RowWriter(session.shape, entries.length);
  const ids: string[] = [];
  const texts: string[] = [];
  const places: number[] = [];
  const rejections: RvfRejection[] = [];
  let anyMetadata = false;
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index] as RvfIngestEntry;
    const text = checkEntry(rows, ids.length, entry);
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
  return {
    ids: packStrings('the ids of entries', ids),
    vectors: rows.bytes(ids.length),
    metadata: anyMetadata ? packStrings('the metadata of entries', texts) : undefined,
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

function toResult(batch: PreparedBatch, answer: EngineIngest): RvfIngestResult {
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
