// Segments, anchors and manifests of a `.rvf` file, for the independent reader: sections 3, 4, 5 and 10 of docs/format.md.

import { demand, FLAG, KIND, number64, type RowSegment } from './independent-rows.js';
import { xxh3, xxh3Wide } from './xxh3.js';

/** A segment found in a file. */
export interface Segment extends RowSegment {
  offset: number;
  id: number;
  /** The header with CRC and hash zeroed, as hashes are made over it. */
  unhashed: Buffer;
  dataAt: number;
  table: Buffer;
  payloadEnd: number;
  end: number;
}

/** A whole state but for its rows. */
export interface Manifest {
  segment: Segment;
  epoch: number;
  witnessHead: Buffer;
  nextSegmentId: number;
  nextRow: number;
  vectorCount: number;
  deadCount: number;
  dimension: number;
  metric: number;
  rowBytes: number;
  directory: Segment[];
}

export const HEAD_BYTES = 12_288;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) {
    value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  }
  return value;
});

/** Section 4: CRC32C that goes on from `salt`. */
function crc32c(bytes: Buffer, salt: number): number {
  let register = ~salt >>> 0;
  for (const byte of bytes) {
    register = (CRC_TABLE[(register ^ byte) & 0xff] as number) ^ (register >>> 8);
  }
  return ~register >>> 0;
}

const isZero = (bytes: Buffer): boolean => bytes.every((byte) => byte === 0);

/** A file whose HEAD has been checked. */
export class StoreFile {
  readonly salt: number;

  constructor(readonly bytes: Buffer) {
    demand(bytes.length >= HEAD_BYTES, 'the file is too short for a HEAD');
    const head = this.header(0, 0);
    demand(typeof head !== 'string', `HEAD: ${head}`);
    demand(head.kind === KIND.HEAD && head.flags === 0 && head.id === 1, 'HEAD is another segment');
    demand(head.end === HEAD_BYTES && head.dataAt === 64, 'HEAD has another length');
    const identity = Buffer.concat([head.unhashed, bytes.subarray(0x40, 0x1000)]);
    demand(xxh3Wide(identity).equals(head.hash), 'the hash of HEAD');
    demand(isZero(bytes.subarray(0x70, 0x78)), 'unknown features');
    this.salt = bytes.readUInt32LE(0x50);
  }

  /** Section 3: the header at an offset, or why there is none. */
  header(offset: number, salt = this.salt): Segment | 'no header' | 'unreadable' {
    const head = this.bytes.subarray(offset, offset + 64);
    if (head.length < 64 || head.readUInt32LE(0) !== 0x52564653) {
      return 'no header';
    }
    const unhashed = Buffer.from(head).fill(0, 0x24, 0x38);
    if (crc32c(unhashed, salt) !== head.readUInt32LE(0x24)) {
      return 'no header';
    }
    const [kind, flags, payloadBytes] = [head[5] as number, head.readUInt16LE(6), number64(head, 0x10)];
    const isPlain = head[0x21] === 0 && head.readUInt32LE(0x38) === 0 && (flags & 0x0003) === 0;
    if (head[4] !== 2 || head[0x20] !== 1 || !isPlain) {
      return 'unreadable';
    }
    const dataAt = offset + 64 * head.readUInt16LE(0x22);
    const payloadEnd = dataAt + payloadBytes;
    const tableAt = payloadEnd - (flags & FLAG.BLOCK_TABLE ? tableBytes(payloadBytes) : 0);
    const end = Math.ceil(payloadEnd / 64) * 64;
    demand(head.readUInt32LE(0x3c) === end - payloadEnd, 'padding length');
    const [data, table] = [this.bytes.subarray(dataAt, tableAt), this.bytes.subarray(tableAt, payloadEnd)];
    const hash = head.subarray(0x28, 0x38);
    return {
      offset,
      id: number64(head, 8),
      kind,
      flags,
      unhashed,
      hash,
      dataAt,
      data,
      table,
      payloadEnd,
      end,
    };
  }

  /** Sections 3 and 4: zeros, content hash and blocks. */
  isWhole(segment: Segment): boolean {
    const { offset, data, dataAt, table, payloadEnd, end } = segment;
    const zeros = [this.bytes.subarray(offset + 64, dataAt), this.bytes.subarray(payloadEnd, end)];
    if (end > this.bytes.length || !zeros.every(isZero)) {
      return false;
    }
    const hashed = segment.flags & FLAG.BLOCK_TABLE ? table : data;
    if (!xxh3Wide(Buffer.concat([segment.unhashed, hashed])).equals(segment.hash)) {
      return false;
    }
    for (let at = 0; at < table.length; at += 8) {
      if (xxh3(data.subarray(at * 512, at * 512 + 4096)) !== table.readBigUInt64LE(at)) {
        return false;
      }
    }
    return true;
  }

  /** Section 11, steps 2 and 3: the manifest of the best anchor. */
  anchoredManifest(): Manifest | undefined {
    const roots = [0x1000, 0x2000]
      .map((at) => this.bytes.subarray(at, at + 0x1000))
      .filter((slot) => !isZero(slot) && isZero(slot.subarray(20)))
      .filter((slot) => crc32c(slot.subarray(0, 16), this.salt) === slot.readUInt32LE(16))
      .map((slot) => number64(slot, 0));
    if (roots.length === 0) {
      return undefined;
    }
    const root = Math.max(...roots);
    demand(root + 4096 <= this.bytes.length, 'the file ends in front of its root page');
    const segment = this.header(number64(this.bytes, root + 0xfa4));
    demand(typeof segment !== 'string', `the manifest: ${segment}`);
    demand(segment.kind === KIND.MANIFEST && segment.payloadEnd === root + 4096, 'the root page');
    demand(this.isWhole(segment), 'the manifest');
    return this.manifest(segment);
  }

  /** Section 10, for a segment that is whole. */
  manifest(segment: Segment): Manifest {
    const root = segment.data.subarray(-4096);
    demand(root.readUInt32LE(0) === 0x52564d30 && root.readUInt16LE(4) === 2, 'no root page');
    demand(crc32c(root.subarray(0, 0xffc), this.salt) === root.readUInt32LE(0xffc), 'CRC of the root page');
    demand(root.subarray(0xf00, 0xf10).equals(this.bytes.subarray(0x40, 0x50)), 'file id of the root page');
    demand(number64(root, 0xfa4) === segment.offset && number64(root, 8) === segment.dataAt, 'offsets');
    demand(isZero(root.subarray(0xf94, 0xf9c)), 'unknown features');
    const tags = levelOne(segment.data.subarray(0, number64(root, 0x10)));
    const tag = (number: number): Buffer => {
      const value = tags.get(number);
      demand(value !== undefined, `tag ${number} is missing`);
      return value;
    };
    const [metric = 0, dataType] = tag(0x08);
    const dimension = tag(0x10).readUInt32LE(0);
    const entries = tag(0x01);
    const starts = Array.from({ length: entries.length / 72 }, (_, index) => 72 * index);
    return {
      segment,
      epoch: number64(root, 0xf9c),
      witnessHead: tag(0x0c).subarray(0, 32),
      nextSegmentId: number64(tag(0x0b), 0),
      nextRow: tag(0x0b).readUInt32LE(8),
      vectorCount: number64(root, 0x18),
      deadCount: number64(tag(0x0e), 0),
      dimension,
      metric,
      rowBytes: Math.ceil(dimension * ({ 0: 4, 1: 2, 3: 1, 5: 1 / 8 }[dataType ?? 0] ?? Number.NaN)),
      directory: starts.map((at) => this.directoryEntry(entries.subarray(at, at + 72))),
    };
  }

  private directoryEntry(entry: Buffer): Segment {
    const segment = this.header(number64(entry, 0));
    demand(typeof segment !== 'string', `a segment of the directory: ${segment}`);
    const named = [segment.id, segment.payloadEnd - segment.dataAt, segment.kind];
    const wanted = [number64(entry, 8), number64(entry, 0x10), entry[0x34]];
    demand(
      named.join() === wanted.join() && segment.hash.equals(entry.subarray(0x20, 0x30)),
      'a directory entry',
    );
    return segment;
  }
}

/** Section 3: bytes of a block table, from those of the payload that it ends. */
function tableBytes(payloadBytes: number): number {
  const guess = Math.floor(payloadBytes / 4104);
  const blocks = [guess, guess + 1].find((n) => Math.ceil((payloadBytes - 8 * n) / 4096) === n);
  demand(blocks !== undefined, 'block table length');
  return 8 * blocks;
}

/** Section 10: values by tag. */
function levelOne(bytes: Buffer): Map<number, Buffer> {
  const tags = new Map<number, Buffer>();
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32LE(at + 2);
    tags.set(bytes.readUInt16LE(at), bytes.subarray(at + 8, at + 8 + length));
    at += 8 + Math.ceil(length / 8) * 8;
  }
  return tags;
}
