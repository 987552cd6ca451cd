// sqlite-vec through better-sqlite3: a vec0 table, asked by a prepared statement.

import Database from 'better-sqlite3';
import * as extension from 'sqlite-vec';

const MAPPED_BYTES = 1e9;

/** Makes a table of `rows` vectors that lie one behind the other; row i gets the number i. */
export function buildTable(path, { vectors, dimensions, rows }) {
  const database = new Database(path);
  extension.load(database);
  // How it is built is not measured, so it is built without syncs.
  database.pragma('journal_mode = off');
  database.pragma('synchronous = off');
  database.exec(
    `create virtual table vectors using vec0(embedding float[${dimensions}] distance_metric=cosine)`,
  );
  const insert = database.prepare('insert into vectors (rowid, embedding) values (?, ?)');
  database.transaction(() => {
    for (let row = 0; row < rows; row += 1) {
      insert.run(BigInt(row), vectors.subarray(row * dimensions, (row + 1) * dimensions));
    }
  })();
  database.close();
}

/** Opens the table: with SQLite's own settings, or with the file mapped, so that no page is copied. */
export function openTable(path, { mapped }) {
  const database = new Database(path);
  extension.load(database);
  if (mapped) database.pragma(`mmap_size = ${MAPPED_BYTES}`);
  const { sqlite, vec } = database.prepare('select sqlite_version() as sqlite, vec_version() as vec').get();
  const nearest = database
    .prepare('select rowid from vectors where embedding match ? and k = ? order by distance')
    .raw(true);
  return {
    versions: { 'sqlite-vec': vec.replace(/^v/, ''), SQLite: sqlite },
    /** Numbers of the nearest rows, the nearest first. */
    query: (vector, k) => nearest.all(vector, k).map(([row]) => row),
    close: () => database.close(),
  };
}
