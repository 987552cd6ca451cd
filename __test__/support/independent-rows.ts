// What the segments of a `.rvf` file hold, for the independent reader: sections 6 to 9 of docs/format.md.

import { createHash } from 'node:crypto';
import { xxh3 } from './xxh3.js';

/** One living row. */
export interface StoredRow {
  row: number;
  id: string;
  /** The vector's bytes. */
  vector: Buffer;
  /** The metadata's JSON text, byte for byte; absent where there is none. */
  metadata?: string;
}

/** A segment with its data; rows only where a directory names them. */
export interface RowSegment {
  kind: number;
  flags: number;
  data: Buffer;
  hash: Buffer;
}

type Operation =
  | { name: 'upsert'; id: string; vector: Buffer; metadata: string; replaced?: number }
  | { name: 'kill'; row: number; replaced: boolean }
  | { name: 'adopt'; segments: number };

export const KIND = {
  VEC: 0x01,
  OVERLAY: 0x03,
  JOURNAL: 0x04,
  MANIFEST: 0x05,
  META: 0x07,
  HEAD: 0xf0,
  IDS: 0xf1,
} as const;
export const FLAG = {
  TOMBSTONE: 0x20,
  MORE_FOLLOWS: 0x1000,
  BLOCK_TABLE: 0x2000,
  SAME_APPEND: 0x4000,
} as const;
const WITNESS_BYTES = 73;
const NO_ROW = 0xffff_ffff;

export function demand(condition: boolean, what: string): asserts condition {
  if (!condition) {
    throw new Error(`damage: ${what}`);
  }
}

export const shake = (bytes: Buffer): Buffer =>
  createHash('shake256', { outputLength: 32 }).update(bytes).digest();

/** A u64 that must fit a JavaScript number. */
export function number64(bytes: Buffer, at: number): number {
  const value = bytes.readBigUInt64LE(at);
  demand(value <= 2n ** 53n, 'a number is too large');
  return Number(value);
}

/** Section 7. */
export function operations(journal: Buffer, rowBytes: number): Operation[] {
  demand(journal.readUInt16LE(0) === 1, 'layout of a journal');
  const end = 32 + number64(journal, 24);
  demand(end + WITNESS_BYTES === journal.length, 'length of a journal');
  const found: Operation[] = [];
  let at = 32;
  const take = (length: number): Buffer => {
    demand(at + length <= end, 'a journal operation is cut short');
    at += length;
    return journal.subarray(at - length, at);
  };
  while (at < end) {
    const head = take(8);
    if (head[0] === 1) {
      const replaced = take(4).readUInt32LE(0);
      const id = take(head.readUInt16LE(2)).toString();
      const vector = take(rowBytes);
      const metadata = take(head.readUInt32LE(4)).toString();
      found.push({ name: 'upsert', id, vector, metadata, ...(replaced !== NO_ROW && { replaced }) });
    } else if (head[0] === 2) {
      found.push({ name: 'kill', row: head.readUInt32LE(4), replaced: head[1] !== 0 });
    } else {
      demand(head[0] === 3, 'a journal operation');
      found.push({ name: 'adopt', segments: head.readUInt32LE(4) });
    }
  }
  demand(found.length === journal.readUInt32LE(12), 'number of operations');
  return found;
}

/** Section 9: what a commit's witness entry must carry. `operationsHash` is that of the journal in front of the entry. */
export function actionHash(
  journal: Buffer,
  inFront: RowSegment[],
  rowBytes: number,
  operationsHash: Buffer,
): Buffer {
  const deletes = operations(journal, rowBytes).filter((one) => one.name === 'kill' && !one.replaced).length;
  const numbers = [number64(journal, 16), journal.readUInt32LE(8), deletes, inFront.length + 1];
  const words = Buffer.alloc(32);
  numbers.forEach((value, index) => {
    words.writeBigUInt64LE(BigInt(value), 8 * index);
  });
  const hashes = inFront.map((segment) => segment.hash);
  return shake(Buffer.concat([Buffer.from('rvf-witness-act1\x01'), words, ...hashes, operationsHash]));
}

/** Section 8: the numbers of a Roaring bitmap in its portable form. */
function roaring(bytes: Buffer): number[] {
  const cookie = bytes.readUInt32LE(0);
  const hasRuns = (cookie & 0xffff) === 12_347;
  demand(hasRuns || cookie === 12_346, 'cookie of tombstones');
  const count = hasRuns ? (cookie >>> 16) + 1 : bytes.readUInt32LE(4);
  const runFlags = hasRuns ? bytes.subarray(4, 4 + Math.ceil(count / 8)) : Buffer.alloc(0);
  const keysAt = hasRuns ? 4 + runFlags.length : 8;
  let at = keysAt + 4 * count + (hasRuns && count < 4 ? 0 : 4 * count);
  const values: number[] = [];
  for (let index = 0; index < count; index++) {
    const high = bytes.readUInt16LE(keysAt + 4 * index) * 65_536;
    const cardinality = bytes.readUInt16LE(keysAt + 4 * index + 2) + 1;
    if (((runFlags[index >> 3] ?? 0) >> (index & 7)) & 1) {
      const runs = bytes.readUInt16LE(at);
      for (let run = 0; run < runs; run++) {
        const start = bytes.readUInt16LE(at + 2 + 4 * run);
        const more = bytes.readUInt16LE(at + 4 + 4 * run);
        values.push(...Array.from({ length: more + 1 }, (_, step) => high + start + step));
      }
      at += 2 + 4 * runs;
    } else if (cardinality <= 4_096) {
      for (let step = 0; step < cardinality; step++) {
        values.push(high + bytes.readUInt16LE(at + 2 * step));
      }
      at += 2 * cardinality;
    } else {
      for (let low = 0; low < 65_536; low++) {
        if (((bytes[at + (low >> 3)] as number) >> (low & 7)) & 1) {
          values.push(high + low);
        }
      }
      at += 8_192;
    }
  }
  return values;
}

/** Section 6, OVERLAY: the rows it lists, each with the epoch that changed it. */
function listedRows(sections: Map<number, Buffer>, count: number, first: number): number[] {
  const [rows, epochs] = [sections.get(4), sections.get(5)];
  demand(rows?.length === 4 * count && epochs?.length === 8 * count, 'sections of an OVERLAY');
  const listed = Array.from({ length: count }, (_, index) => rows.readUInt32LE(4 * index));
  demand(listed[0] === first, 'first row of an OVERLAY');
  demand(
    listed.every((row, index) => index === 0 || (listed[index - 1] as number) < row),
    'order of an OVERLAY',
  );
  return listed;
}

/** The rows of a state: what the segments of a manifest hold, then commit after commit. */
export class Rows {
  private readonly vectors: Buffer[] = [];
  private readonly ids: (string | undefined)[] = [];
  private readonly metadata: (string | undefined)[] = [];
  /** What overlays say, which counts in place of the rest. */
  private readonly changed = new Map<number, string | undefined>();
  private readonly dead = new Set<number>();

  constructor(
    private readonly rowBytes: number,
    private readonly salt: bigint,
  ) {}

  get deadCount(): number {
    return this.dead.size;
  }

  /** Number of rows given out; vectors and ids must agree on it. */
  get count(): number {
    demand(this.vectors.length === this.ids.length, 'vectors and ids hold different rows');
    return this.vectors.length;
  }

  add(segment: RowSegment): void {
    if (segment.kind === KIND.VEC) {
      this.addVectors(segment.data);
    } else if (segment.kind === KIND.IDS) {
      this.addIds(segment.data);
    } else if (segment.kind === KIND.META || segment.kind === KIND.OVERLAY) {
      this.addMetadata(segment.data, segment.kind === KIND.OVERLAY);
    } else if (segment.kind === KIND.JOURNAL && segment.flags & FLAG.TOMBSTONE) {
      for (const row of roaring(segment.data)) {
        this.dead.add(row);
      }
    }
  }

  /** Section 6, VEC. */
  private addVectors(data: Buffer): void {
    const count = data.readUInt32LE(16);
    demand(data.readUInt32LE(8) === this.rowBytes && data.readUInt32LE(20) === 1, 'shape of VEC');
    demand(data.readUInt32LE(12) === this.vectors.length, 'first row of VEC');
    demand(data.length === 64 + count * this.rowBytes, 'length of VEC');
    for (let index = 0; index < count; index++) {
      this.vectors.push(data.subarray(64 + index * this.rowBytes, 64 + (index + 1) * this.rowBytes));
    }
  }

  /** Section 6, IDS; also that its look-up tables say the same as its texts. */
  private addIds(data: Buffer): void {
    const [first, rows, entries, ranges] = [0, 4, 8, 12].map((at) => data.readUInt32LE(at)) as [
      number,
      number,
      number,
      number,
    ];
    demand(first === this.ids.length, 'first row of IDS');
    const rowsAt = 64 + 8 * entries + 16 * ranges;
    const offsetsAt = rowsAt + 4 * entries;
    const textAt = offsetsAt + 4 * (rows + 1);
    demand(data.length === textAt + number64(data, 16), 'length of IDS');
    const texts = Array.from({ length: rows }, (_, index) => {
      const at = offsetsAt + 4 * index;
      return data.subarray(textAt + data.readUInt32LE(at), textAt + data.readUInt32LE(at + 4));
    });
    const hashes = Array.from({ length: entries }, (_, index) => data.readBigUInt64LE(64 + 8 * index));
    demand(texts.filter((text) => text.length > 0).length === entries, 'entries of IDS');
    hashes.forEach((hash, index) => {
      demand(index === 0 || (hashes[index - 1] as bigint) <= hash, 'order of IDS');
      const text = texts[data.readUInt32LE(rowsAt + 4 * index) - first];
      demand(text !== undefined && xxh3(text, this.salt) === hash, 'hash of an id');
    });
    this.ids.push(...texts.map((text) => (text.length > 0 ? text.toString() : undefined)));
  }

  /** Section 6, META and OVERLAY. */
  private addMetadata(data: Buffer, isOverlay: boolean): void {
    const [first, rows, count] = [0, 4, 8].map((at) => data.readUInt32LE(at)) as [number, number, number];
    const sections = new Map<number, Buffer>();
    for (let at = 64; at < 64 + 24 * count; at += 24) {
      const start = number64(data, at + 8);
      sections.set(data.readUInt32LE(at), data.subarray(start, start + number64(data, at + 16)));
    }
    const [offsets, text] = [sections.get(1), sections.get(2)];
    demand(offsets !== undefined && text !== undefined, 'sections of META');
    demand(offsets.length === 4 * (rows + 1), 'offsets of META');
    const listed = isOverlay ? listedRows(sections, rows, first) : undefined;
    for (let index = 0; index < rows; index++) {
      const json = text.subarray(offsets.readUInt32LE(4 * index), offsets.readUInt32LE(4 * index + 4));
      const value = json.length > 0 ? json.toString() : undefined;
      if (listed === undefined) {
        this.metadata[first + index] = value;
      } else {
        this.changed.set(listed[index] as number, value);
      }
    }
  }

  /** Section 7: one commit of the tail. */
  replay(journal: Buffer, inFront: RowSegment[]): void {
    const first = this.count;
    demand(journal.readUInt32LE(4) === first, 'first row of a journal');
    const kill = (row: number): void => {
      demand(row < first && !this.dead.has(row), `row ${row} is killed and was not alive`);
      this.dead.add(row);
    };
    for (const operation of operations(journal, this.rowBytes)) {
      if (operation.name === 'adopt') {
        demand(operation.segments === inFront.length, 'number of adopted segments');
        for (const segment of inFront) {
          this.add(segment);
        }
      } else if (operation.name === 'kill') {
        kill(operation.row);
      } else {
        this.metadata[this.ids.length] = operation.metadata === '' ? undefined : operation.metadata;
        this.vectors.push(operation.vector);
        this.ids.push(operation.id);
        if (operation.replaced !== undefined) {
          kill(operation.replaced);
        }
      }
    }
    demand(this.count === first + journal.readUInt32LE(8), 'number of rows of a journal');
  }

  /** The living rows in row order. */
  living(): StoredRow[] {
    const found: StoredRow[] = [];
    for (let row = 0; row < this.count; row++) {
      if (this.dead.has(row)) {
        continue;
      }
      const metadata = this.changed.has(row) ? this.changed.get(row) : this.metadata[row];
      const [id, vector] = [this.ids[row], this.vectors[row]];
      demand(id !== undefined && vector !== undefined, `row ${row} lives and has no id`);
      found.push({ row, id, vector, ...(metadata !== undefined && { metadata }) });
    }
    demand(new Set(found.map(({ id }) => id)).size === found.length, 'an id has two living rows');
    return found;
  }
}
