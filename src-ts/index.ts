/**
 * `@ruvector/rvf`: an embedded vector store in one file.
 *
 * @example
 * ```ts
 * import { RvfDatabase } from '@ruvector/rvf';
 *
 * const db = await RvfDatabase.create('memory.rvf', { dimensions: 3, metric: 'cosine' });
 * await db.ingestBatch([{ id: 'a', vector: [1, 0, 0], metadata: { title: 'first' } }]);
 * const [nearest] = await db.query([0.9, 0.1, 0], 1);
 * await db.close();
 * ```
 *
 * @packageDocumentation
 */
export { NodeBackend, type RvfBackend, resolveBackend, WasmBackend } from './backend.js';
export { RvfDatabase } from './database.js';
export { RvfError, RvfErrorCode } from './errors.js';
export type * from './filter.js';
export { fromMongo } from './mongo-filter.js';
export type * from './mongo-types.js';
export type * from './types.js';
export type * from './types-filter.js';
export { version } from './version.js';
export { allOf, anyOf, not, where } from './where.js';
export type * from './where-types.js';
