// sqlite-vec with metadata: a vec0 table beside plain tables with indexes, joined by the row's number, which is how
// filters that vec0's own metadata columns do not know (lists of values, tags) are asked.

import Database from 'better-sqlite3';
import * as extension from 'sqlite-vec';
import { buildTable } from './sqlite-vec.mjs';

const MAPPED_BYTES = 1e9;

/** Makes the tables; row i gets the number i. */
export function buildFilteredTable(path, data, metadata) {
  buildTable(path, data);
  const database = new Database(path);
  database.pragma('journal_mode = off');
  database.pragma('synchronous = off');
  database.exec('create table entries (row integer primary key, section text, size integer)');
  database.exec('create table tags (tag text, row integer, primary key (tag, row)) without rowid');
  const entry = database.prepare('insert into entries values (?, ?, ?)');
  const tagged = database.prepare('insert or ignore into tags values (?, ?)');
  database.transaction(() => {
    for (const [row, { section, size, tags }] of metadata.entries()) {
      entry.run(row, section, size);
      for (const tag of tags) tagged.run(tag, row);
    }
  })();
  database.exec('create index by_section on entries (section, size)');
  database.exec('create index by_size on entries (size)');
  database.exec('analyze');
  database.close();
}

/** Opens the tables, the file mapped, so that no page is copied. */
export function openFilteredTable(path) {
  const database = new Database(path, { readonly: true });
  extension.load(database);
  database.pragma(`mmap_size = ${MAPPED_BYTES}`);
  return {
    prepare: (conditions) => prepare(database, conditions),
    close: () => database.close(),
  };
}

function prepare(database, conditions) {
  const values = conditions.flatMap((condition) => condition.values ?? [condition.below]);
  const rows = rowsOf(conditions);
  const counted = database.prepare(`select count(*) as count from (${rows})`);
  const nearest = database
    .prepare(
      `select rowid from vectors where embedding match ? and k = ? and rowid in (${rows}) order by distance`,
    )
    .raw(true);
  return {
    count: () => counted.get(...values).count,
    query: (vector, k) => nearest.all(vector, k, ...values).map(([row]) => row),
  };
}

function rowsOf(conditions) {
  const [first] = conditions;
  const list = ({ values }) => values.map(() => '?').join(', ');
  if (first.field === 'tags') return `select distinct row from tags where tag in (${list(first)})`;
  const tests = conditions.map((condition) =>
    condition.below === undefined ? `${condition.field} in (${list(condition)})` : `${condition.field} < ?`,
  );
  return `select row from entries where ${tests.join(' and ')}`;
}
