import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: {
    // Tests read the sources; what they start as processes of their own finds the built package by its name.
    alias: { '@ruvector/rvf': fileURLToPath(new URL('src-ts/index.ts', import.meta.url)) },
  },
  test: {
    include: ['__test__/**/*.test.ts'],
    // A process per file: an addon that takes its process down fails its own file and no other.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
  },
});
