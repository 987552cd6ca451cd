import { describe, expect, test } from 'vitest';
import { packStrings } from '../src-ts/pack.js';
import { idProblem, metadataText, utf8Length } from '../src-ts/validate.js';
import { RowWriter } from '../src-ts/vectors.js';

const SAMPLES = [
  '',
  'ascii',
  'ünï',
  '漢字',
  '👍🏽',
  'a\u0000b',
  '\uFFFF',
  '\u007f\u0080\u07ff\u0800',
  '\uFEFFbom',
];

describe('packing', () => {
  test('strings become their UTF-8 bytes and offsets, in any mixture', () => {
    for (const strings of [[], ['a'], ['a', '', 'bc'], SAMPLES, [...SAMPLES].reverse()]) {
      const { bytes, offsets } = packStrings('strings', strings);
      expect(offsets).toHaveLength(strings.length + 1);
      strings.forEach((text, index) => {
        expect(bytes.slice(offsets[index], offsets[index + 1])).toEqual(new Uint8Array(Buffer.from(text)));
      });
    }
  });

  test('the length of UTF-8 is counted as it is written', () => {
    for (const text of [...SAMPLES, 'a\ud800', '\udc00\ud800', '👍\ud83d']) {
      expect(utf8Length(text)).toBe(Buffer.byteLength(text));
    }
  });

  test('ids are refused from the first byte too many', () => {
    expect(idProblem('é'.repeat(512))).toBeUndefined();
    expect(idProblem(`${'é'.repeat(512)}x`)?.text).toContain('1025');
  });

  test('metadata is counted in bytes and levels, whatever its strings hold', () => {
    expect(metadataText(undefined)).toBe('');
    expect(metadataText({ a: '[[[[{{{{"\\"[[['.repeat(20) })).toBeTypeOf('string');
    expect(metadataText({ '[[[[\\': { '"': ']' } })).toBeTypeOf('string');
    expect(metadataText('x'.repeat(65_534))).toHaveLength(65_536);
    expect(metadataText('x'.repeat(65_535))).toMatchObject({ text: expect.stringContaining('65537') });
  });

  test('a row that is refused leaves the next one its place', () => {
    const rows = new RowWriter({ dimension: 2, dtype: 'f32', rowBytes: 8 }, 2);
    expect(rows.write(0, [1, Number.NaN])?.text).toContain('element 1');
    expect(rows.write(0, [1, 2])).toBeUndefined();
    expect(new Float32Array(rows.bytes(1).slice().buffer)).toEqual(Float32Array.of(1, 2));
  });

  test('every float that is finite is taken and no other, whatever its bits', () => {
    const rows = new RowWriter({ dimension: 1, dtype: 'f32', rowBytes: 4 }, 1);
    for (const sign of [0, 0x8000_0000]) {
      for (const bits of [
        0, 1, 0x7f_ffff, 0x80_0000, 0x3f80_0000, 0x7f7f_ffff, 0x7f80_0000, 0x7fc0_0000, 0x7fff_ffff,
      ]) {
        const float = new Float32Array(Uint32Array.of((sign | bits) >>> 0).buffer);
        expect(rows.write(0, float) === undefined).toBe(Number.isFinite(float[0]));
      }
    }
  });
});
