import { type EngineIngest, type EngineIngestGroup, type EngineStore, ON_DUPLICATE } from './engine.js';
import { checkEntry } from './entry.js';
import { packStrings } from './pack.js';
import type { RvfIngestEntry, RvfIngestResult } from './types.js';
import type { RvfSchemaField } from './types-filter.js';
import { problemError } from './validate.js';
import { RowWriter, type VectorShape } from './vectors.js';

/** Batches of up to this many entries travel together. */
export const GROUP_ENTRIES_MAX = 16;

/** Entries that one group takes at most, so that it stays small beside what the engine puts into one append. */
const ENTRIES_MAX = 1024;

/** One `ingestBatch` of a group. */
interface Member {
  readonly entries: number;
  readonly resolve: (result: RvfIngestResult) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Small batches that were asked for in one turn of the event loop. Each is checked and copied when it is asked for, and
 * stays a commit of its own; the engine gets them in one call, so that they share its cost and an fsync.
 */
export class IngestGroup {
  readonly #rows: RowWriter;
  readonly #ids: string[] = [];
  readonly #texts: string[] = [];
  readonly #members: Member[] = [];
  #anyMetadata = false;

  constructor(
    shape: VectorShape,
    readonly schema: readonly RvfSchemaField[],
  ) {
    this.#rows = new RowWriter(shape, 1);
  }

  /** Whether another batch of `entries` entries fits. */
  hasRoom(entries: number): boolean {
    return this.#ids.length + entries <= ENTRIES_MAX;
  }

  /**
   * Adds a batch.
   *
   * @throws RvfError naming the entry that is not one; nothing is added then.
   */
  add(entries: readonly RvfIngestEntry[]): Promise<RvfIngestResult> {
    const first = this.#ids.length;
    this.#rows.reserve(first + entries.length);
    for (let index = 0; index < entries.length; index++) {
      const entry = entries[index] as RvfIngestEntry;
      const text = checkEntry(this.#rows, first + index, entry, this.schema);
      if (typeof text !== 'string') {
        this.#ids.length = first;
        this.#texts.length = first;
        throw problemError(`entries[${index}]${text.part}`, text);
      }
      this.#ids.push(entry.id);
      this.#texts.push(text);
      this.#anyMetadata ||= text !== '';
    }
    return new Promise((resolve, reject) => {
      this.#members.push({ entries: entries.length, resolve, reject });
    });
  }

  /** Hands the group to the engine. */
  send(store: EngineStore): void {
    try {
      this.#send(store);
    } catch (error) {
      this.#rejectAll(error);
    }
  }

  #send(store: EngineStore): void {
    if (this.#members.length === 0) {
      return;
    }
    const ids = packStrings('the ids of entries', this.#ids);
    const metadata = this.#anyMetadata ? packStrings('the metadata of entries', this.#texts) : undefined;
    const packed = [
      ids.bytes,
      ids.offsets,
      this.#rows.bytes(this.#ids.length),
      metadata?.bytes ?? null,
      metadata?.offsets ?? null,
    ] as const;
    const [only] = this.#members;
    if (this.#members.length === 1 && only !== undefined) {
      store
        .ingest(...packed, ON_DUPLICATE.replace)
        .then((answer) => only.resolve(toResult(answer)), only.reject);
      return;
    }
    const counts = Uint32Array.from(this.#members, (member) => member.entries);
    store.ingestGroup(...packed, counts).then(
      (answer) => this.#settle(answer),
      (error: unknown) => this.#rejectAll(error),
    );
  }

  #settle({ epochs, errors }: EngineIngestGroup): void {
    this.#members.forEach(({ entries, resolve, reject }, index) => {
      const error = errors?.[index];
      if (error) {
        reject(new Error(error));
      } else {
        resolve({ accepted: entries, rejected: 0, epoch: epochs[index] as number });
      }
    });
  }

  #rejectAll(error: unknown): void {
    for (const { reject } of this.#members) {
      reject(error);
    }
  }
}

function toResult({ accepted, epoch }: EngineIngest): RvfIngestResult {
  return { accepted, rejected: 0, epoch };
}
