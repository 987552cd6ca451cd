// Brings the rows of the data into a zvec collection, their numbers as ids.

const ROWS_PER_INSERT = 1_000;

/** `more` answers what else the entry of a row has. */
export function insertRows(collection, { vectors, dimensions, rows }, more = () => ({})) {
  for (let start = 0; start < rows; start += ROWS_PER_INSERT) {
    const length = Math.min(ROWS_PER_INSERT, rows - start);
    const entries = Array.from({ length }, (_, index) => {
      const row = start + index;
      const own = vectors.subarray(row * dimensions, (row + 1) * dimensions);
      return { id: String(row), vectors: { vector: own }, ...more(row) };
    });
    const refused = collection.insertSync(entries).find(({ ok }) => !ok);
    if (refused !== undefined) throw new Error(`zvec: ${refused.message}`);
  }
}
