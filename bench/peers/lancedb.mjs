// LanceDB: a table with an index on each column that is filtered, and no index on the vectors, so that its answers are
// as exact as ours.

import * as lancedb from '@lancedb/lancedb';
import { versionOf } from './version.mjs';

const ROWS_PER_ADD = 8_000;

/** Makes the table; row i has the number i. */
export async function buildLanceTable(folder, { vectors, dimensions, rows }, metadata) {
  const connection = await lancedb.connect(folder);
  let table;
  for (let start = 0; start < rows; start += ROWS_PER_ADD) {
    const part = metadata.slice(start, start + ROWS_PER_ADD).map(({ section, size, tags }, index) => {
      const row = start + index;
      const vector = Array.from(vectors.subarray(row * dimensions, (row + 1) * dimensions));
      // An empty list tells nothing of its type, and no row is without tags that could be asked for.
      return { row, section, size, tags: tags.length > 0 ? tags : [''], vector };
    });
    if (table === undefined) table = await connection.createTable('entries', part);
    else await table.add(part);
  }
  await table.createIndex('section', { config: lancedb.Index.bitmap() });
  await table.createIndex('size', { config: lancedb.Index.btree() });
  await table.createIndex('tags', { config: lancedb.Index.labelList() });
  await table.optimize();
  connection.close();
}

export async function openLanceTable(folder) {
  const connection = await lancedb.connect(folder);
  const table = await connection.openTable('entries');
  return {
    versions: { LanceDB: versionOf('@lancedb/lancedb') },
    prepare: (conditions) => {
      const where = conditions.map(sqlOf).join(' and ');
      return {
        count: () => table.countRows(where),
        query: async (vector, k) => {
          const search = table.vectorSearch(vector).distanceType('cosine').where(where).limit(k);
          const found = await search.select(['row', '_distance']).toArray();
          return found.map(({ row }) => Number(row));
        },
      };
    },
    close: () => connection.close(),
  };
}

function sqlOf({ field, values, below }) {
  if (below !== undefined) return `${field} < ${below}`;
  const list = values.map((value) => `'${value.replaceAll("'", "''")}'`).join(', ');
  return field === 'tags' ? `array_has_any(tags, [${list}])` : `${field} in (${list})`;
}
