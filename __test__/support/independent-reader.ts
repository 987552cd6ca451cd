// A second reader of `.rvf` files, written from docs/format.md and sharing no code with the engine. It answers with the
// newest state of a file, every byte of that state checked, or throws. Section numbers are those of the document.

import { actionHash, demand, FLAG, KIND, number64, Rows, type StoredRow, shake } from './independent-rows.js';
import { HEAD_BYTES, type Manifest, type Segment, StoreFile } from './independent-segments.js';
import { xxh3Wide } from './xxh3.js';

/** The newest state of a file. */
export interface StoredState {
  dimension: number;
  metric: 'l2' | 'cosine' | 'dotproduct' | 'hamming';
  epoch: number;
  /** Commits behind the newest manifest. */
  tailCommits: number;
  /** Bytes behind the last whole transaction. */
  tornBytes: number;
  /** Living rows in row order. */
  rows: StoredRow[];
}

interface Transaction {
  segments: Segment[];
  last: Segment;
  chain: Chain;
  manifest?: Manifest;
}

/** Where a transaction is not whole: at a header that is not there, or behind headers that are. */
interface Broken {
  brokenAt: number;
  isHeader: boolean;
}

/** What the next transaction continues. */
interface Chain {
  id: number;
  epoch: number;
  witnessHead: Buffer;
  rowBytes: number;
}

const METRICS = ['l2', 'cosine', 'dotproduct', 'hamming'] as const;

const isContinuation = (segment: Segment | undefined): boolean =>
  ((segment?.flags ?? 0) & FLAG.SAME_APPEND) !== 0;

/** The newest state of a file's bytes. */
export function readStore(file: Buffer): StoredState {
  return new Reader(new StoreFile(file)).read();
}

class Reader {
  constructor(private readonly file: StoreFile) {}

  read(): StoredState {
    const anchored = this.file.anchoredManifest();
    const { transactions, end } = this.walk(anchored);
    const newest = lastIndex(transactions, ({ manifest }) => manifest !== undefined);
    const base = transactions[newest]?.manifest ?? anchored;
    demand(base !== undefined, 'no committed state');
    const rows = this.baseRows(base);
    const tail = transactions.slice(newest + 1);
    for (const { segments, last } of tail) {
      demand(
        segments.every((segment) => this.file.isWhole(segment)),
        `the commit at ${last.offset}`,
      );
      rows.replay(last.data, segments.slice(0, -1));
    }
    return {
      dimension: base.dimension,
      metric: METRICS[base.metric] as StoredState['metric'],
      epoch: base.epoch + tail.length,
      tailCommits: tail.length,
      tornBytes: this.file.bytes.length - end,
      rows: rows.living(),
    };
  }

  private baseRows(base: Manifest): Rows {
    const rows = new Rows(base.rowBytes, BigInt(this.file.salt));
    for (const segment of base.directory) {
      demand(this.file.isWhole(segment), `segment ${segment.id}`);
      rows.add(segment);
    }
    demand(rows.count === base.nextRow && rows.deadCount === base.deadCount, 'rows of the manifest');
    demand(base.nextRow - base.deadCount === base.vectorCount, 'counts of the manifest');
    return rows;
  }

  /** Section 11, steps 4 to 6. */
  private walk(anchored: Manifest | undefined): { transactions: Transaction[]; end: number } {
    const start = anchored?.segment.end ?? HEAD_BYTES;
    let chain: Chain = { id: 1, epoch: 0, witnessHead: Buffer.alloc(32), rowBytes: 0 };
    if (anchored !== undefined) {
      chain = chainBehind(anchored);
    }
    const transactions: Transaction[] = [];
    for (let offset = start; offset < this.file.bytes.length; ) {
      const found = this.transaction(offset, chain);
      if ('brokenAt' in found) {
        this.demandTear(found, chain.id);
        break;
      }
      transactions.push(found);
      chain = found.chain;
      offset = found.last.end;
    }
    const append = lastIndex(transactions, ({ segments }) => !isContinuation(segments[0]));
    const torn = transactions.findIndex(
      ({ segments }, index) => index >= append && !segments.every((segment) => this.file.isWhole(segment)),
    );
    const dropped = transactions[torn];
    if (dropped !== undefined) {
      this.demandTear({ brokenAt: dropped.last.end, isHeader: false }, dropped.last.id);
    }
    const kept = torn < 0 ? transactions : transactions.slice(0, torn);
    return { transactions: kept, end: kept.at(-1)?.last.end ?? start };
  }

  /** The transaction at an offset that continues the chain, or where it breaks. */
  private transaction(offset: number, chain: Chain): Transaction | Broken {
    const segments: Segment[] = [];
    for (let at = offset, id = chain.id; ; ) {
      const header = this.file.header(at);
      if (typeof header === 'string') {
        return { brokenAt: at, isHeader: header === 'no header' };
      }
      if (header.id <= id || (segments.length > 0 && !isContinuation(header))) {
        return { brokenAt: at, isHeader: true };
      }
      if (header.end > this.file.bytes.length) {
        return { brokenAt: this.file.bytes.length, isHeader: false };
      }
      segments.push(header);
      at = header.end;
      id = header.id;
      if ((header.flags & FLAG.MORE_FOLLOWS) === 0) {
        return this.linked(segments, header, chain) ?? { brokenAt: at, isHeader: false };
      }
    }
  }

  /** Section 11, step 4: the transaction, if its last segment is whole and continues the chain. */
  private linked(segments: Segment[], last: Segment, chain: Chain): Transaction | undefined {
    if (!this.file.isWhole(last)) {
      return undefined;
    }
    if (last.kind === KIND.MANIFEST) {
      const manifest = this.file.manifest(last);
      const continues = manifest.epoch === chain.epoch && manifest.witnessHead.equals(chain.witnessHead);
      const isLinked = (continues || chain.id === 1) && manifest.nextSegmentId === last.id + 1;
      return isLinked ? { segments, last, manifest, chain: chainBehind(manifest) } : undefined;
    }
    const witness = last.data.subarray(-73);
    const operationsHash = xxh3Wide(last.data.subarray(0, -73));
    const action = actionHash(last.data, segments.slice(0, -1), chain.rowBytes, operationsHash);
    const isLinked =
      last.kind === KIND.JOURNAL &&
      number64(last.data, 16) === chain.epoch + 1 &&
      witness.subarray(0, 32).equals(chain.witnessHead) &&
      witness.subarray(32, 64).equals(action);
    const behind = { ...chain, id: last.id, epoch: chain.epoch + 1, witnessHead: shake(witness) };
    return isLinked ? { segments, last, chain: behind } : undefined;
  }

  /** Section 12. */
  private demandTear({ brokenAt, isHeader }: Broken, lastId: number): void {
    let at = isHeader ? brokenAt + 64 : brokenAt;
    for (let id = lastId; !isHeader; ) {
      const header = this.file.header(at);
      if (typeof header === 'string' || !isContinuation(header) || header.id <= id) {
        break;
      }
      at = header.end;
      id = header.id;
    }
    for (; at + 64 <= this.file.bytes.length; at += 64) {
      const header = this.file.header(at);
      demand(header !== 'unreadable', `the segment at ${at} needs another version`);
      const isLater = header !== 'no header' && !isContinuation(header) && header.id > lastId;
      demand(!isLater, `what is in front of ${at} was whole once`);
    }
  }
}

function chainBehind({ segment, epoch, witnessHead, rowBytes }: Manifest): Chain {
  return { id: segment.id, epoch, witnessHead, rowBytes };
}

function lastIndex<T>(items: T[], is: (item: T) => boolean): number {
  let index = items.length - 1;
  while (index >= 0 && !is(items[index] as T)) {
    index -= 1;
  }
  return index;
}
