import type { EngineCreateOptions } from '../../src-ts/engine.js';
import type { RvfFilterExpr } from '../../src-ts/filter.js';
import type { RvfSchemaField } from '../../src-ts/types-filter.js';
import { matches } from './plain-filter.js';
import { patchMetadata } from './plain-patch.js';

/** An entry; never changed, another one takes its place. */
export interface Row {
  readonly id: string;
  readonly vector: Uint8Array;
  readonly metadata: string;
  /** Its place in the order of insertion. */
  readonly number: number;
  /** The commit that stored or changed it last. */
  readonly epoch: number;
  /** The commit since which its id is stored. */
  readonly since: number;
}

/** What a caller stores. */
export type NewRow = Pick<Row, 'id' | 'vector' | 'metadata'>;

let files = 0;

/** The contents of a store of the reference engine, and what one commit does to them. */
export class ReferenceFile {
  readonly options: EngineCreateOptions;
  readonly fileId = (++files).toString(16).padStart(16, '0').repeat(2);
  /** In the order of insertion. */
  rows = new Map<string, Row>();
  epoch = 1;
  writer = true;
  /** Rows with a number below it count as indexed. */
  indexedBelow = 0;
  /** How often the rows were numbered anew, and the commit that did it last. */
  generation = 0;
  #compactedAt = 0;
  #nextNumber = 0;
  /** Ids that went away, with the commits between which they were stored. */
  #gone: { id: string; since: number; until: number }[] = [];
  readonly #schema: RvfSchemaField[];

  constructor(options: EngineCreateOptions) {
    this.options = options;
    this.#schema = JSON.parse(options.schema ?? '[]');
  }

  copy(): ReferenceFile {
    const copy = new ReferenceFile(this.options);
    copy.rows = new Map(this.rows);
    copy.epoch = this.epoch;
    copy.indexedBelow = this.indexedBelow;
    copy.#nextNumber = this.#nextNumber;
    copy.#gone = [...this.#gone];
    return copy;
  }

  /** Those of the rows that fit, in their order; all of them where the filter is empty. */
  fitting(filter: string, all = [...this.rows.values()]): Row[] {
    if (filter === '') {
      return all;
    }
    const expr = JSON.parse(filter) as RvfFilterExpr;
    const numbers = new Map(this.#schema.map(({ fieldId, field }) => [fieldId as number, field]));
    for (const { condition } of conditionsOf(expr)) {
      if (condition.fieldId !== undefined && !numbers.has(condition.fieldId)) {
        throw new Error(`[0203] no schema gives a field the number ${condition.fieldId}; name the field`);
      }
    }
    return all.filter((row) => matches(expr, documentOf(row), numbers));
  }

  /** One commit: what fits the filter goes, the rows come. */
  replace(leaving: Row[], rows: NewRow[], onDuplicate: number): { epoch: number; skipped: number[] } {
    const left = new Set(this.rows.keys());
    for (const { id } of leaving) {
      left.delete(id);
    }
    for (const row of rows) {
      this.#checkSchema(row.metadata);
      if (onDuplicate === 1 && left.has(row.id)) {
        throw new Error(`[0306] id ${row.id} is stored already`);
      }
    }
    const epoch = ++this.epoch;
    this.remove(leaving.map((row) => row.id));
    const skipped: number[] = [];
    rows.forEach((row, index) => {
      if (onDuplicate === 2 && left.has(row.id)) {
        skipped.push(index);
        return;
      }
      const since = this.rows.get(row.id)?.since ?? epoch;
      this.rows.delete(row.id);
      this.rows.set(row.id, { ...row, number: this.#nextNumber++, epoch, since });
    });
    return { epoch, skipped };
  }

  /** Removes ids in the commit that is the newest; answers how many were there. */
  remove(ids: string[]): number {
    return ids.filter((id) => {
      const row = this.rows.get(id);
      if (row !== undefined) {
        this.#gone.push({ id, since: row.since, until: this.epoch });
      }
      return this.rows.delete(id);
    }).length;
  }

  /** One commit: rows get other metadata, and keep their places. */
  update(rows: Row[], patch: string): { updated: number; epoch: number } {
    const changed = rows.flatMap((row) => {
      const metadata = JSON.stringify(patchMetadata(documentOf(row), JSON.parse(patch))) ?? '';
      // It cannot nest deeper than the deeper of the two.
      if (new TextEncoder().encode(metadata).length > 65_536) {
        throw new Error(`[0307] the patched metadata of ${row.id} takes more than 65536 bytes`);
      }
      this.#checkSchema(metadata);
      return metadata === row.metadata ? [] : [{ ...row, metadata }];
    });
    if (changed.length > 0) {
      this.epoch++;
    }
    for (const row of changed) {
      this.rows.set(row.id, { ...row, epoch: this.epoch });
    }
    return { updated: changed.length, epoch: this.epoch };
  }

  /** Rows that count as not indexed. */
  get unindexedRows(): number {
    return [...this.rows.values()].filter((row) => row.number >= this.indexedBelow).length;
  }

  /** Counts all rows as indexed. */
  index(): void {
    this.indexedBelow = this.#nextNumber;
  }

  compact(): void {
    this.indexedBelow = this.rows.size - this.unindexedRows;
    this.generation++;
    this.#compactedAt = ++this.epoch;
    this.#gone = [];
    this.#nextNumber = 0;
    for (const row of this.rows.values()) {
      this.rows.set(row.id, { ...row, number: this.#nextNumber++ });
    }
  }

  /** Rows that are newer than a commit, those changed first in front; and ids that were stored then and are not now. */
  changesSince(epoch: number): { rows: Row[]; deleted: string[] } {
    if (epoch > this.epoch) {
      throw new Error(`[0307] sinceEpoch is ${epoch}, the store is at ${this.epoch}`);
    }
    if (epoch > 0 && epoch < this.#compactedAt) {
      throw new Error(`[0706] a compaction has dropped what was deleted since ${epoch}; list everything`);
    }
    const rows = [...this.rows.values()].filter((row) => row.epoch > epoch);
    rows.sort((a, b) => a.epoch - b.epoch || a.number - b.number);
    const gone = this.#gone.filter(({ since, until }) => since <= epoch && epoch < until);
    const deleted = [...new Set(gone.map(({ id }) => id))].filter((id) => !this.rows.has(id));
    return { rows, deleted };
  }

  #checkSchema(metadata: string): void {
    const value: unknown = metadata === '' ? undefined : JSON.parse(metadata);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return;
    }
    for (const { field, type } of this.#schema) {
      if (Object.hasOwn(value, field) && !isOfType((value as Record<string, unknown>)[field], type)) {
        throw new Error(`[0307] metadata: ${field} must be a ${type}, as the schema says`);
      }
    }
  }
}

type Condition = Exclude<RvfFilterExpr, { op: 'and' | 'or' | 'not' }>;

/** The conditions on fields, each with the place where it stands. */
export function conditionsOf(expr: RvfFilterExpr, path = 'filter'): { path: string; condition: Condition }[] {
  switch (expr.op) {
    case 'and':
    case 'or':
      return expr.exprs.flatMap((inner, index) => conditionsOf(inner, `${path}.exprs[${index}]`));
    case 'not':
      return conditionsOf(expr.expr, `${path}.expr`);
    default:
      return [{ path, condition: expr }];
  }
}

const documents = new WeakMap<Row, unknown>();

function documentOf(row: Row): unknown {
  if (row.metadata !== '' && !documents.has(row)) {
    documents.set(row, JSON.parse(row.metadata));
  }
  return documents.get(row);
}

function isOfType(value: unknown, type: string): boolean {
  return type.endsWith('[]')
    ? Array.isArray(value) && value.every((one) => `${typeof one}[]` === type)
    : typeof value === type;
}
