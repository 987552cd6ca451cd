// @ts-check
// Reads the sample of examples/data; dataset.json there explains its layout.

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** @param {string} name */
const read = (name) => readFileSync(new URL(`../data/${name}`, import.meta.url));

/**
 * @typedef {{ text: string, section: string, priority: string, architecture: string, size: number,
 *   installedKb: number, essential: boolean, tags: string[], shelf?: string }} Package
 * @typedef {{ id: string, vector: Float32Array, metadata: Package }} Entry
 * @typedef {{ text: string, vector: Float32Array, neighbours: string[] }} Question
 */

/** @returns {{ dimensions: number, entries: Entry[] }} */
export function readEntries() {
  const { dimensions } = JSON.parse(read('dataset.json').toString());
  const halves = read('vectors.f16');
  const lines = gunzipSync(read('metadata.jsonl.gz')).toString().trimEnd().split('\n');
  const entries = lines.map((line, row) => {
    const { id, ...metadata } = JSON.parse(line);
    const vector = new Float32Array(dimensions);
    for (let i = 0; i < dimensions; i += 1) {
      vector[i] = halfToFloat(halves.readUInt16LE((row * dimensions + i) * 2));
    }
    return { id, vector, metadata };
  });
  return { dimensions, entries };
}

/** @returns {Question[]} The questions, each with its embedding and the ids of its true nearest rows. */
export function readQuestions() {
  const { dimensions } = JSON.parse(read('dataset.json').toString());
  const floats = read('queries.f32');
  /** @type {{ text: string, neighbours: string[] }[]} */
  const wordings = JSON.parse(read('queries.json').toString());
  return wordings.map(({ text, neighbours }, row) => {
    const vector = Float32Array.from({ length: dimensions }, (_, i) =>
      floats.readFloatLE((row * dimensions + i) * 4),
    );
    return { text, neighbours, vector };
  });
}

/**
 * The number whose IEEE half-precision bits these are; Node 20 has no Float16Array.
 *
 * @param {number} bits
 */
export function halfToFloat(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * 2 ** -24 * fraction;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * 2 ** (exponent - 15) * (1 + fraction / 1024);
}
