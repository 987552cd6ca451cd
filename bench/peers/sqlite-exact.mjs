// sqlite-vec as an engine among those with an index: it has none, and its file is mapped.

import { buildTable, openTable } from './sqlite-vec.mjs';
import { versionOf } from './version.mjs';

export async function load() {
  return {
    versions: { 'sqlite-vec': versionOf('sqlite-vec') },
    build: async (path, data) => buildTable(path, data),
    open: async (path) => {
      const table = openTable(path, { mapped: true });
      return {
        use: async () => table.query,
        rowsOf: (found) => found,
        close: async () => table.close(),
      };
    },
  };
}
