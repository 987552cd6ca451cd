import { describe, invalid, refuse } from './validate.js';

/**
 * A cursor is base64url of 60 bytes: version, kind, 8 bytes of the file's id, 8 of a hash of the filter's text, five 64-bit
 * floats that say where its kind of page goes on, and two zeros, so that the text needs no padding.
 */
const VERSION = 1;
const BYTES = 60;
const TEXT = /^[\w-]{80}$/;
const STORE_AT = 2;
const FILTER_AT = 10;
const NUMBERS_AT = 18;
const NUMBERS = 5;

const KINDS = { list: 1, changes: 2 } as const;
const START_AGAIN = 'ask for the first page again, without a cursor';

/** What a cursor belongs to. */
export interface CursorOwner {
  readonly kind: keyof typeof KINDS;
  /** 32 hex digits. */
  readonly fileId: string;
  /** The text that the engine got; empty where there is none. */
  readonly filter: string;
}

/** Where a page goes on: `list` generation and row; `changes` sinceEpoch and the engine's position. Zeros behind. */
export type CursorNumbers = readonly [number, number, number, number, number];

/** The text of a cursor. */
export function writeCursor(owner: CursorOwner, numbers: readonly number[]): string {
  const bytes = header(owner);
  const view = new DataView(bytes.buffer);
  numbers.forEach((value, index) => {
    view.setFloat64(NUMBERS_AT + index * 8, value);
  });
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_');
}

/** @throws RvfError `InvalidInput` where `cursor` is none, or one of another kind, store or filter. */
export function readCursor(owner: CursorOwner, cursor: unknown): CursorNumbers {
  if (typeof cursor !== 'string' || !TEXT.test(cursor)) {
    return refuseCursor(`must be the cursor of the page before, not ${describe(cursor)}`);
  }
  const binary = atob(cursor.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = Uint8Array.from(binary, (character) => character.charCodeAt(0));
  const expected = header(owner);
  const differs = bytes.findIndex((byte, index) => index < NUMBERS_AT && byte !== expected[index]);
  if (differs >= 0) {
    return refuseCursor(`${differenceAt(differs, owner)}; ${START_AGAIN}`);
  }
  const view = new DataView(bytes.buffer);
  const numbers = Array.from({ length: NUMBERS }, (_, index) => view.getFloat64(NUMBERS_AT + index * 8));
  if (!numbers.every((value) => Number.isSafeInteger(value) && value >= 0)) {
    return refuseCursor(`is none that this version made; ${START_AGAIN}`);
  }
  return numbers as unknown as CursorNumbers;
}

/** @throws RvfError `InvalidInput`. */
export function refuseCursor(text: string): never {
  return refuse('options.cursor', invalid(text));
}

function differenceAt(index: number, { kind }: CursorOwner): string {
  if (index < STORE_AT) {
    return index === 0 ? 'is none that this version made' : `is not one of ${kind}()`;
  }
  return index < FILTER_AT ? 'is of another store' : 'is of another filter';
}

function header({ kind, fileId, filter }: CursorOwner): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(BYTES);
  bytes.set([VERSION, KINDS[kind]]);
  for (let index = 0; index < FILTER_AT - STORE_AT; index++) {
    bytes[STORE_AT + index] = Number.parseInt(fileId.slice(index * 2, index * 2 + 2), 16);
  }
  const view = new DataView(bytes.buffer);
  hash(filter).forEach((word, index) => {
    view.setUint32(FILTER_AT + index * 4, word);
  });
  return bytes;
}

/** 64 bits of a text, two FNV-1a of 32 bits with different primes: enough to tell filters apart, and no secret. */
function hash(text: string): [number, number] {
  let one = 0x811c_9dc5;
  let other = 0xcbf2_9ce4;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    one = Math.imul(one ^ unit, 0x0100_0193);
    other = Math.imul(other ^ unit, 0x85eb_ca6b);
  }
  return [one >>> 0, other >>> 0];
}
