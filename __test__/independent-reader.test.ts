import { readdirSync, readFileSync } from 'node:fs';
import { RvfDatabase } from '@ruvector/rvf';
import { describe, expect, test } from 'vitest';
import { useFolder } from './support/host.js';
import { readStore } from './support/independent-reader.js';

const GOLDEN = new URL('../crates/rvf-runtime/tests/golden/', import.meta.url);
const DOCUMENT = new URL('../docs/format.md', import.meta.url);

interface Description {
  dimension: number;
  metric: string;
  epoch: number;
  commitsBehindCheckpoint: number;
  entries: { id: string; vector: string; metadata: string | null }[];
}

const names = readdirSync(GOLDEN)
  .filter((name) => name.endsWith('.rvf'))
  .map((name) => name.slice(0, -'.rvf'.length));
const golden = (name: string): Buffer => readFileSync(new URL(`${name}.rvf`, GOLDEN));

/** The file of section 16 of the document: lines of 16 bytes with their offset, zeros between them. */
function documentFile(): Buffer {
  const blocks = readFileSync(DOCUMENT, 'utf8').matchAll(/^```hex\n([^`]*)^```$/gm);
  const lines = [...blocks].flatMap(([, block]) => (block ?? '').trim().split('\n'));
  const file = Buffer.alloc(32_768);
  let end = 0;
  for (const line of lines) {
    const at = Number.parseInt(line.slice(0, 5), 16);
    Buffer.from(line.slice(7, 54).replaceAll(' ', ''), 'hex').copy(file, at);
    end = at + 16;
  }
  return file.subarray(0, Math.ceil(end / 64) * 64);
}

/** What a file holds, in the form of the golden descriptions. */
function describeFile(file: Buffer): Description {
  const { dimension, metric, epoch, tailCommits, rows } = readStore(file);
  const entries = rows.map(({ id, vector, metadata }) => ({
    id,
    vector: vector.toString('hex'),
    metadata: metadata ?? null,
  }));
  return { dimension, metric, epoch, commitsBehindCheckpoint: tailCommits, entries };
}

describe('a reader made from docs/format.md alone', () => {
  test('has golden files of every kind to read: closed, with a tail, compacted, hamming', () => {
    expect(names).toEqual(expect.arrayContaining(['closed', 'unclosed', 'compacted']));
    expect(describeFile(golden('compacted')).metric).toBe('hamming');
    expect(describeFile(golden('unclosed')).commitsBehindCheckpoint).toBeGreaterThan(0);
  });

  test.each(names)('reads golden file %s as it is described', (name) => {
    const text = readFileSync(new URL(`${name}.json`, GOLDEN), 'utf8');
    expect(JSON.parse(text)).toMatchObject(describeFile(golden(name)));
  });

  test('reads the file that the document shows', () => {
    const rows = readStore(documentFile()).rows.map(({ row, id, metadata }) => [row, id, metadata]);
    expect(rows).toEqual([[2, 'b', '{"n":3}']]);
  });

  test('walks from the start where both anchors are gone', () => {
    for (const name of names) {
      const file = golden(name);
      const whole = readStore(file).rows;
      file.fill(0, 0x1000, 0x3000);
      expect(readStore(file).rows).toEqual(whole);
    }
  });

  test('finds every changed byte of the newest state', () => {
    for (const name of names) {
      const file = golden(name);
      const whole = describeFile(file);
      // What was not synced in between is one append, and damage inside the last append is taken for a tear.
      const excused = Math.min(whole.commitsBehindCheckpoint, name === 'unsynced' ? 100 : 1);
      for (let at = 0x3000; at < file.length; at += 97) {
        file[at] = (file[at] as number) ^ 0x10;
        expect([name, at, isRightOrRefused(file, whole, excused)]).toEqual([name, at, true]);
        file[at] = (file[at] as number) ^ 0x10;
      }
    }
  });

  test('says of a file that was cut what the engine says', async () => {
    for (const name of names) {
      const file = golden(name);
      const epochs = new Set<unknown>();
      for (let length = 0x3000; length < file.length; length += 197) {
        const cut = file.subarray(0, length);
        const epoch = await epochInEngine(cut);
        expect([name, length, epochInReader(cut)]).toEqual([name, length, epoch]);
        epochs.add(epoch);
      }
      // Each commit of the tail but the last, and the base; a closed file is refused.
      const { epoch, tailCommits } = readStore(file);
      const earlier = Array.from({ length: tailCommits }, (_, index) => epoch - tailCommits + index);
      expect([...epochs]).toEqual(['refused', ...earlier]);
    }
  });
});

/** Whether a changed file is refused, reads as before, or as the state before one of its last commits. */
function isRightOrRefused(file: Buffer, whole: Description, excusedCommits: number): boolean {
  try {
    const found = describeFile(file);
    const isEarlier = found.epoch < whole.epoch && found.epoch >= whole.epoch - excusedCommits;
    return isEarlier || JSON.stringify(found) === JSON.stringify(whole);
  } catch (error) {
    return String(error).includes('damage');
  }
}

function epochInReader(file: Buffer): number | string {
  try {
    return readStore(file).epoch;
  } catch {
    return 'refused';
  }
}

async function epochInEngine(file: Buffer): Promise<number | string> {
  try {
    const db = await RvfDatabase.openBytes(file, { readOnly: true });
    const { epoch } = await db.status();
    await db.close();
    return epoch;
  } catch {
    return 'refused';
  }
}

describe('a file that the SDK wrote, read by that reader', () => {
  const path = useFolder();
  const vectorOf = (row: number): Float32Array =>
    Float32Array.from({ length: 64 }, (_, index) => Math.sin(row * 64 + index));
  const entries = Array.from({ length: 3_000 }, (_, row) => ({
    id: `row-${row}`,
    vector: vectorOf(row),
    metadata: { row, text: 'x'.repeat(row % 50) },
  }));

  function expectRows(file: Buffer, isAlive: (row: number) => boolean): void {
    const found = readStore(file).rows.map(({ id, vector, metadata }) => [
      id,
      vector.toString('hex'),
      JSON.parse(metadata ?? 'null') as unknown,
    ]);
    const alive = entries.filter((_, row) => isAlive(row));
    const wanted = alive.map(({ id, vector, metadata }) => [
      id,
      Buffer.from(vector.buffer).toString('hex'),
      metadata,
    ]);
    expect(found).toEqual(wanted);
  }

  test('a large batch, deletions and compaction: before the close, after it and after compaction', async () => {
    const db = await RvfDatabase.create(path(), { dimensions: 64, metric: 'cosine' });
    await db.ingestBatch(entries);
    const unclosed = readFileSync(path());
    expectRows(unclosed, () => true);
    expect(readStore(unclosed).tailCommits).toBe(1);

    const doomed = entries.filter((_, row) => row % 3 === 0).map(({ id }) => id);
    await db.delete(doomed);
    expectRows(readFileSync(path()), (row) => row % 3 !== 0);
    await db.close();
    const closed = readFileSync(path());
    expectRows(closed, (row) => row % 3 !== 0);
    expect(readStore(closed).tailCommits).toBe(0);

    const again = await RvfDatabase.open(path());
    await again.compact();
    await again.close();
    const compacted = readFileSync(path());
    expectRows(compacted, (row) => row % 3 !== 0);
    expect(compacted.length).toBeLessThan(closed.length);
  });

  test('changed metadata, before the close, after it and after compaction', async () => {
    const db = await RvfDatabase.create(path(), { dimensions: 64, metric: 'cosine' });
    await db.ingestBatch(entries.slice(0, 200));
    await db.updateMetadata(['row-3', 'row-150'], { text: 'changed', row: null });
    await db.ingestBatch(entries.slice(200, 220));
    await db.updateMetadata({ op: 'ge', field: 'row', value: 100 }, { text: 'later', note: { deep: [1] } });
    const textsOf = (file: Buffer): Map<string, string | undefined> =>
      new Map(readStore(file).rows.map(({ id, metadata }) => [id, metadata]));
    const wanted = new Map(
      entries.slice(0, 220).map(({ id, metadata }) => {
        const { row } = metadata;
        const isLater = row >= 100 && row !== 150;
        const first = row === 3 || row === 150 ? { text: 'changed' } : metadata;
        return [id, JSON.stringify(isLater ? { ...first, text: 'later', note: { deep: [1] } } : first)];
      }),
    );
    expect(textsOf(readFileSync(path()))).toEqual(wanted);
    await db.close();
    expect(textsOf(readFileSync(path()))).toEqual(wanted);
    const again = await RvfDatabase.open(path());
    await again.compact();
    await again.close();
    expect(textsOf(readFileSync(path()))).toEqual(wanted);
  });

  test('a large batch that did not reach the disk whole is not there', async () => {
    const db = await RvfDatabase.create(path(), { dimensions: 64, metric: 'cosine' });
    await db.ingestBatch(entries.slice(0, 1));
    const before = readFileSync(path()).length;
    await db.ingestBatch(entries.slice(1));
    const file = readFileSync(path());
    await db.close();
    const torn = (at: number, length: number): Buffer => Buffer.from(file).fill(0, at, at + length);
    const middle = Math.floor((before + file.length) / 2);
    const files = [
      file.subarray(0, before + 100),
      file.subarray(0, middle),
      torn(middle, 512),
      torn(before, 64),
    ];
    for (const one of files) {
      expectRows(one, (row) => row === 0);
      expect(readStore(one).tornBytes).toBe(one.length - before);
      expect(await epochInEngine(one)).toBe(1);
    }
  });

  test('commits without a sync between them are torn together', async () => {
    const db = await RvfDatabase.create(path(), { dimensions: 64, metric: 'cosine', durability: 'none' });
    await db.ingestBatch(entries.slice(0, 1));
    const before = readFileSync(path()).length;
    await db.ingestBatch(entries.slice(1, -1));
    const behind = readFileSync(path()).length;
    await db.ingestBatch(entries.slice(-1));
    const file = readFileSync(path());
    await db.close();
    expectRows(file, () => true);
    const middle = Math.floor((before + behind) / 2);
    file.fill(0, middle, middle + 512);
    expectRows(file, (row) => row === 0);
    expect(await epochInEngine(file)).toBe(1);
  });
});
