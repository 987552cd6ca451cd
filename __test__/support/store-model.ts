import { isDeepStrictEqual } from 'node:util';
import type { RvfFilterExpr, RvfIngestEntry } from '@ruvector/rvf';
import { matches } from './plain-filter.js';
import { patchMetadata } from './plain-patch.js';

/** What a store must contain: plain JavaScript values in the order in which they were stored. */
export class StoreModel {
  readonly contents = new Map<string, unknown>();

  /** Ids of the entries that fit, in the order in which they were stored. */
  fitting(filter: RvfFilterExpr): string[] {
    return [...this.contents].filter(([, metadata]) => matches(filter, metadata)).map(([id]) => id);
  }

  /** @returns How many were stored. */
  ingest(entries: readonly RvfIngestEntry[], onDuplicate: 'replace' | 'skip'): number {
    const taken = entries.filter(({ id }) => onDuplicate === 'replace' || !this.contents.has(id));
    for (const { id, metadata } of taken) {
      this.contents.delete(id);
      this.contents.set(id, metadata);
    }
    return taken.length;
  }

  /** @returns How many were there. */
  delete(ids: readonly string[]): number {
    return ids.filter((id) => this.contents.delete(id)).length;
  }

  /** @returns How many are different now. */
  update(ids: readonly string[], patch: object): number {
    return ids.filter((id) => {
      if (!this.contents.has(id)) {
        return false;
      }
      const before = this.contents.get(id);
      const after = jsonOf(patchMetadata(before, patch));
      this.contents.set(id, after);
      return !isDeepStrictEqual(before, after);
    }).length;
  }
}

/** A value as JSON keeps it; undefined stays what it is. */
function jsonOf(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}
