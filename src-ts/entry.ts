import { schemaProblem } from './schema.js';
import type { RvfIngestEntry } from './types.js';
import type { RvfSchemaField } from './types-filter.js';
import { describe, idProblem, invalid, metadataText, type Problem } from './validate.js';
import type { RowWriter } from './vectors.js';

/** A problem with a part of an entry, as `.vector`. */
export interface EntryProblem extends Problem {
  readonly part: string;
}

/** Writes an entry's vector as row `row` and answers the text of its metadata, or what is wrong with the entry. */
export function checkEntry(
  rows: RowWriter,
  row: number,
  entry: RvfIngestEntry,
  schema: readonly RvfSchemaField[],
): string | EntryProblem {
  if (typeof entry !== 'object' || entry === null) {
    return { ...invalid(`must be an object with id and vector, not ${describe(entry)}`), part: '' };
  }
  const id = idProblem(entry.id);
  if (id !== undefined) {
    return { ...id, part: '.id' };
  }
  const vector = rows.write(row, entry.vector);
  if (vector !== undefined) {
    return { ...vector, part: '.vector' };
  }
  const text = metadataText(entry.metadata);
  if (typeof text !== 'string') {
    return { ...text, part: '.metadata' };
  }
  const mismatch = schemaProblem(schema, text);
  return mismatch === undefined ? text : { ...mismatch, part: '.metadata' };
}
