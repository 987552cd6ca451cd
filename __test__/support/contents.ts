import type { RvfDatabase, RvfListOptions } from '@ruvector/rvf';

/** The ids of rows or hits, in their order. */
export function idsOf(rows: readonly { id: string }[]): string[] {
  return rows.map((row) => row.id);
}

/** The ids of all pages from the one that the options ask for. */
export async function idsOfPages(db: RvfDatabase, options: RvfListOptions): Promise<string[]> {
  const ids: string[] = [];
  let { cursor } = options;
  do {
    const page = await db.list({ ...options, cursor });
    ids.push(...idsOf(page.rows));
    cursor = page.cursor;
  } while (cursor !== undefined);
  return ids;
}

/** Everything that an iteration gives. */
export async function collect<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const row of rows) {
    all.push(row);
  }
  return all;
}
