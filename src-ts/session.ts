import { checkCallOptions, Interrupted, needsControl, runControlled, type Stop } from './call.js';
import type { Engine, EngineControl, EngineInfo, EngineStore } from './engine.js';
import { RvfError, RvfErrorCode } from './errors.js';
import { IngestGroup } from './ingest-group.js';
import { schemaFields } from './schema.js';
import type { RvfIngestEntry, RvfIngestResult, RvfProgressOptions } from './types.js';
import type { RvfSchemaField } from './types-filter.js';
import { shapeOf, type VectorShape } from './vectors.js';

/** An open store: which engine serves it, and when it may be closed. */
export class Session {
  readonly store: EngineStore;
  readonly info: EngineInfo;
  /** The fields that the store declares. */
  readonly schema: readonly RvfSchemaField[];
  readonly shape: VectorShape;
  /** Milliseconds that synchronous writes wait behind queued ones. */
  readonly busyTimeoutMs: number;
  readonly #engine: Engine;
  readonly #releases = new Set<() => void>();
  /** What ends the calls that `close` does not wait for. */
  readonly #stops = new Set<Stop>();
  #group: IngestGroup | undefined;
  #pending = 0;
  #onIdle: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(engine: Engine, store: EngineStore, busyTimeoutMs: number) {
    this.#engine = engine;
    this.store = store;
    this.info = store.info();
    this.shape = shapeOf(this.info);
    this.schema = schemaFields(this.info.schema);
    this.busyTimeoutMs = busyTimeoutMs;
  }

  /** Whether `close` was called. */
  get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  /** @throws RvfError `StoreClosed` once `close` was called. */
  ensureOpen(): void {
    if (this.#closing !== undefined) {
      throw storeClosed();
    }
  }

  /** @throws RvfError `ReadOnly` where the store takes no writes. */
  ensureWritable(): void {
    this.ensureOpen();
    if (this.info.readOnly) {
      throw new RvfError(
        RvfErrorCode.ReadOnly,
        'the store is open for reading only; reopen it with RvfDatabase.open',
      );
    }
  }

  /**
   * Ingests a small batch together with the others of this turn of the event loop. What is called later reaches the
   * engine later: every other call sends the group first.
   */
  ingestInGroup(entries: readonly RvfIngestEntry[]): Promise<RvfIngestResult> {
    if (this.#group?.hasRoom(entries.length) !== true) {
      this.#sendGroup();
      this.#group = new IngestGroup(this.shape, this.schema);
      queueMicrotask(() => this.#sendGroup());
    }
    const group = this.#group as IngestGroup;
    return this.#track(() => group.add(entries));
  }

  #sendGroup(): void {
    const group = this.#group;
    this.#group = undefined;
    group?.send(this.store);
  }

  /** Runs an asynchronous engine call, which `close` then waits for. */
  async run<T>(start: (control?: EngineControl) => Promise<T>, options?: RvfProgressOptions): Promise<T> {
    this.ensureOpen();
    if (options !== undefined) {
      checkCallOptions(options);
    }
    this.#sendGroup();
    return this.#track(start, options);
  }

  /** As `run`, for work that may stay undone: `close` ends it, and it fails with `StoreClosed`. */
  async runUntilClose<T>(
    start: (control?: EngineControl) => Promise<T>,
    options: RvfProgressOptions = {},
  ): Promise<T> {
    this.ensureOpen();
    checkCallOptions(options);
    this.#sendGroup();
    return this.#track(start, options, this.#stops);
  }

  async #track<T>(
    start: (control?: EngineControl) => Promise<T>,
    options: RvfProgressOptions = {},
    stops?: Set<Stop>,
  ): Promise<T> {
    this.#pending++;
    try {
      return stops !== undefined || needsControl(options)
        ? await runControlled(this.#engine, options, start, stops)
        : await start();
    } catch (error) {
      throw error instanceof Interrupted ? error.reason : RvfError.fromNative(error);
    } finally {
      this.#pending--;
      if (this.#pending === 0) {
        this.#onIdle?.();
      }
    }
  }

  /** Runs a synchronous engine call. */
  runSync<T>(start: () => T): T {
    this.ensureOpen();
    this.#sendGroup();
    try {
      return start();
    } catch (error) {
      throw RvfError.fromNative(error);
    }
  }

  /** Has `release` called when the store closes, unless the function answered is called first: that does it at once. */
  onClose(release: () => void): () => void {
    this.#releases.add(release);
    return () => {
      if (this.#releases.delete(release)) {
        release();
      }
    };
  }

  /** Closes the store when what runs has settled. Later calls answer the same promise. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#sendGroup();
    for (const stop of this.#stops) {
      stop(storeClosed());
    }
    if (this.#pending > 0) {
      await new Promise<void>((resolve) => {
        // A turn later, so that who awaits such a call hears of it before who awaits `close`.
        this.#onIdle = () => setTimeout(resolve, 0);
      });
    }
    for (const release of this.#releases) {
      release();
    }
    this.#releases.clear();
    try {
      await this.store.close();
    } catch (error) {
      throw RvfError.fromNative(error);
    }
  }
}

/** The error of every call after `close`. */
export function storeClosed(): RvfError {
  return new RvfError(RvfErrorCode.StoreClosed, 'the store is closed; open it again with RvfDatabase.open');
}
