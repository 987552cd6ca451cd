import type { RvfDatabase, RvfIngestEntry } from '@ruvector/rvf';
import { RvfError, RvfErrorCode } from '@ruvector/rvf';
import { describe, expect, test } from 'vitest';
import { randomNumbers, randomVector } from '../support/brute-force.js';
import { collect, idsOf, idsOfPages } from '../support/contents.js';
import { type Host, type Stores, useStores } from '../support/host.js';
import { randomDocuments, randomFilter, randomPatch } from '../support/random-filters.js';
import { StoreModel } from '../support/store-model.js';

const IDS = 400;
const DIMENSION = 4;
const IS_LONG = process.env.RVF_LONG === '1';
const RUNS = IS_LONG ? 200 : 6;
const STEPS = IS_LONG ? 40 : 24;
/** `RVF_SEED=<seed>` repeats the run of that seed alone. */
const ONLY = process.env.RVF_SEED;
const SEEDS = ONLY === undefined ? Array.from({ length: RUNS }, (_, run) => run + 1) : [Number(ONLY)];
/** So long that a large batch with it is stored in its final form at once. */
const LONG_TEXT = 'so long '.repeat(500);

/** One run: a store, a reader of it, what both must contain, and a copy that only `changes` keeps up to date. */
class Run {
  readonly #random: () => number;
  readonly #stores: Stores;
  readonly #model = new StoreModel();
  readonly #copy = new Map<string, unknown>();
  #copiedEpoch = 0;
  #compactedSinceCopy = false;
  #documents: unknown[];
  #db: RvfDatabase;
  #reader: RvfDatabase;

  private constructor(seed: number, stores: Stores, db: RvfDatabase, reader: RvfDatabase) {
    this.#random = randomNumbers(seed);
    this.#stores = stores;
    this.#documents = randomDocuments(this.#random, 60);
    this.#db = db;
    this.#reader = reader;
  }

  static async start(seed: number, stores: Stores): Promise<Run> {
    const db = await stores.create({ dimensions: DIMENSION, durability: 'none' });
    await db.insert('first', new Float32Array(DIMENSION));
    await db.delete(['first']);
    return new Run(seed, stores, db, await stores.openReadonly());
  }

  /** Changes the store somehow, and compares. Answers what it did. */
  async step(): Promise<string> {
    const name = await this.#change();
    await this.#compare(this.#db, IS_LONG ? 3 : 2);
    if (this.#random() < 0.4) {
      await this.#reader.refresh();
      await this.#compare(this.#reader, 1);
    }
    if (this.#random() < 0.4) {
      await this.#follow();
    }
    return name;
  }

  async finish(): Promise<void> {
    await this.#reopen();
    await this.#follow();
    await this.#compare(this.#db, 5);
    expect((await this.#db.verify()).problems).toEqual([]);
    await Promise.all([this.#db.close(), this.#reader.close()]);
  }

  async #change(): Promise<string> {
    const kind = this.#random();
    if (kind < 0.2) {
      await this.#ingest(1 + this.#below(5), false);
      return 'a small ingest';
    }
    if (kind < 0.35) {
      await this.#ingest(64 + this.#below(237), this.#random() < 0.4);
      return 'a large ingest';
    }
    if (kind < 0.5) {
      await this.#update();
      return 'an update';
    }
    if (kind < 0.62) {
      await this.#replace();
      return 'a replacement';
    }
    if (kind < 0.72) {
      const ids = Array.from({ length: this.#below(20) }, () => this.#id());
      expect((await this.#db.delete(ids)).deleted).toBe(this.#model.delete(ids));
      return 'a deletion';
    }
    if (kind < 0.84) {
      const { filter, ids } = this.#rareFilter();
      expect((await this.#db.deleteByFilter(filter)).deleted).toBe(this.#model.delete(ids));
      return `a deletion by ${JSON.stringify(filter)}`;
    }
    if (kind < 0.93) {
      await this.#reopen();
      return 'opening again';
    }
    await this.#db.compact();
    this.#compactedSinceCopy = true;
    return 'a compaction';
  }

  async #ingest(count: number, isHeavy: boolean): Promise<void> {
    const entries = this.#entries(count, isHeavy);
    const onDuplicate = this.#random() < 0.2 ? 'skip' : 'replace';
    const { accepted } = await this.#db.ingestBatch(entries, { onDuplicate });
    expect(accepted).toBe(this.#model.ingest(entries, onDuplicate));
  }

  async #update(): Promise<void> {
    const patch = randomPatch(this.#random, this.#documents);
    const ids = Array.from({ length: this.#below(10) }, () => this.#id());
    const byFilter = this.#filter();
    const isByFilter = this.#random() < 0.6;
    const target = isByFilter ? byFilter : ids;
    const expected = this.#model.update(isByFilter ? this.#model.fitting(byFilter) : ids, patch);
    const { updated } = await this.#db.updateMetadata(target, patch);
    expect(updated, `${JSON.stringify(target)} patched with ${JSON.stringify(patch)}`).toBe(expected);
  }

  async #replace(): Promise<void> {
    const { filter, ids } = this.#rareFilter();
    const entries = this.#entries(this.#below(this.#random() < 0.2 ? 120 : 8), false);
    const onDuplicate = this.#random() < 0.2 ? 'skip' : 'replace';
    const { deleted, accepted } = await this.#db.replaceWhere(filter, entries, { onDuplicate });
    expect(deleted, JSON.stringify(filter)).toBe(this.#model.delete(ids));
    expect(accepted).toBe(this.#model.ingest(entries, onDuplicate));
  }

  async #reopen(): Promise<void> {
    await this.#db.close();
    this.#db = await this.#stores.open({ durability: 'none' });
  }

  /** Every call must find what the definition finds. */
  async #compare(db: RvfDatabase, filters: number): Promise<void> {
    expect(await db.count()).toBe(this.#model.contents.size);
    for (let round = 0; round < filters; round++) {
      const filter = this.#filter();
      const text = JSON.stringify(filter);
      const expected = this.#model.fitting(filter);
      expect(await db.count(filter), text).toBe(expected.length);
      expect(idsOf(await db.queryByFilter(filter)), text).toEqual(expected);
      const limit = 1 + this.#below(this.#random() < 0.3 ? 1_000 : 50);
      expect(await idsOfPages(db, { filter, limit }), text).toEqual(expected);
      expect(idsOf(await collect(db.iterate({ filter, batchSize: limit }))), text).toEqual(expected);
      const vector = randomVector(this.#random, DIMENSION);
      const hits = await db.query(vector, 100_000, { filter, explain: true });
      expect(idsOf(hits).sort(), text).toEqual([...expected].sort());
      expect(hits.every((hit, index) => hit.distance >= (hits[index - 1]?.distance ?? 0))).toBe(true);
      const k = 1 + this.#below(10);
      expect(idsOf(await db.query(vector, k, { filter })), text).toEqual(idsOf(hits.slice(0, k)));
      const { matched, rows } = await db.explain(filter);
      expect({ matched, rows }, text).toEqual({ matched: expected.length, rows: this.#model.contents.size });
      expect(hits.plan?.filter?.matched, text).toBe(matched);
    }
  }

  /** Brings the copy up to date, which must make it the same as the store. */
  async #follow(): Promise<void> {
    try {
      await this.#copyChanges();
    } catch (error) {
      const isStale = error instanceof RvfError && error.code === RvfErrorCode.GenerationStale;
      if (!isStale || !this.#compactedSinceCopy) {
        throw error;
      }
      const { epoch } = await this.#db.status();
      this.#copy.clear();
      for await (const { id, metadata } of this.#db.iterate()) {
        this.#copy.set(id, metadata);
      }
      this.#copiedEpoch = epoch;
    }
    this.#compactedSinceCopy = false;
    const sorted = (map: Map<string, unknown>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
    expect(sorted(this.#copy)).toEqual(sorted(this.#model.contents));
  }

  async #copyChanges(): Promise<void> {
    const limit = 1 + this.#below(this.#random() < 0.5 ? 1_000 : 100);
    let cursor: string | undefined;
    do {
      const page = await this.#db.changes(this.#copiedEpoch, { limit, cursor });
      for (const { id, metadata, epoch } of page.upserted) {
        expect(epoch).toBeGreaterThan(this.#copiedEpoch);
        this.#copy.set(id, metadata);
      }
      for (const id of page.deleted) {
        this.#copy.delete(id);
      }
      cursor = page.cursor;
      if (cursor === undefined) {
        this.#copiedEpoch = page.epoch;
      }
    } while (cursor !== undefined);
  }

  #entries(count: number, isHeavy: boolean): RvfIngestEntry[] {
    const documents = randomDocuments(this.#random, count).map((document) =>
      isHeavy && hasFields(document) ? { ...document, text: LONG_TEXT + this.#below(50) } : document,
    );
    this.#documents = [...documents, ...this.#documents].slice(0, 200);
    const ids = new Set(documents.map(() => this.#id()));
    return [...ids].map((id, index) => {
      const vector = randomVector(this.#random, DIMENSION);
      return { id, vector, metadata: documents[index] as object | undefined };
    });
  }

  #filter() {
    return randomFilter(this.#random, this.#documents);
  }

  /** A filter that seldom takes most of the store, so that runs do not spend their time in empty ones. */
  #rareFilter() {
    for (;;) {
      const filter = this.#filter();
      const ids = this.#model.fitting(filter);
      if (ids.length * 4 <= this.#model.contents.size || this.#random() < 0.03) {
        return { filter, ids };
      }
    }
  }

  #id(): string {
    return `id ${this.#below(IDS)}`;
  }

  #below(end: number): number {
    return Math.floor(this.#random() * end);
  }
}

function hasFields(document: unknown): document is object {
  return typeof document === 'object' && document !== null && !Array.isArray(document);
}

/** Whatever is done to a store, filters find what their definition finds. */
export function filterModelBehaviour(host: Host): void {
  describe('filters and changes against a plain model', () => {
    const stores = useStores(host);

    test.each(SEEDS)('seed %i', async (seed) => {
      const done: string[] = [];
      try {
        const run = await Run.start(seed, stores);
        while (done.length < STEPS) {
          done.push(await run.step());
        }
        await run.finish();
      } catch (error) {
        const before = done.slice(-3).join(', ') || 'nothing';
        throw new Error(`RVF_SEED=${seed}, step ${done.length + 1}, after ${before}`, { cause: error });
      }
    });
  });
}
