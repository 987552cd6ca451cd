// Vectors as signed bytes: each so long that its largest element is 127, which leaves the cosine as it is but for rounding.

const LARGEST = 127;

/** One vector. */
export function signedBytes(vector) {
  const largest = vector.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const factor = largest > 0 ? LARGEST / largest : 0;
  return Int8Array.from(vector, (value) => Math.round(value * factor));
}

/** Vectors one behind the other. */
export function signedRows(vectors, dimensions) {
  const rows = new Int8Array(vectors.length);
  for (let start = 0; start < vectors.length; start += dimensions) {
    rows.set(signedBytes(vectors.subarray(start, start + dimensions)), start);
  }
  return rows;
}
