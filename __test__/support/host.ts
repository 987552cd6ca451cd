import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BackendType, RvfDatabase, type RvfOpenOptions, type RvfOptions } from '@ruvector/rvf';
import { afterEach, beforeEach } from 'vitest';
import type { Engine } from '../../src-ts/engine.js';
import { EngineBackend } from '../../src-ts/engine-backend.js';
import { ReferenceEngine } from './reference-engine.js';

/** What the behaviour suite runs on. */
export interface Host {
  readonly name: string;
  /** Whether stores are files that anybody can see. */
  readonly hasFiles: boolean;
  create(path: string, options: RvfOptions): Promise<RvfDatabase>;
  open(path: string, options?: RvfOpenOptions): Promise<RvfDatabase>;
  openReadonly(path: string, options?: RvfOpenOptions): Promise<RvfDatabase>;
  openBytes(bytes: Uint8Array, options?: { readOnly?: boolean }): Promise<RvfDatabase>;
}

/** A backend as users name it. */
export function backendHost(backend: BackendType): Host {
  return {
    name: `backend '${backend}'`,
    hasFiles: true,
    create: (path, options) => RvfDatabase.create(path, options, backend),
    open: (path, options) => RvfDatabase.open(path, { ...options, backend }),
    openReadonly: (path, options) => RvfDatabase.openReadonly(path, { ...options, backend }),
    openBytes: (bytes, options) => RvfDatabase.openBytes(bytes, { ...options, backend }),
  };
}

class ReferenceBackend extends EngineBackend {
  constructor(readonly engine: ReferenceEngine) {
    super();
  }

  protected override async loadEngine(): Promise<Engine> {
    return this.engine;
  }
}

/** The reference engine: shows that the suite asks for nothing that only one engine does. */
export function referenceHost(engine = new ReferenceEngine()): Host {
  const over = async (start: (backend: ReferenceBackend) => Promise<void>): Promise<RvfDatabase> => {
    const backend = new ReferenceBackend(engine);
    await start(backend);
    return RvfDatabase.fromBackend(backend);
  };
  return {
    name: 'the reference engine',
    hasFiles: false,
    create: (path, options) => over((backend) => backend.create(path, options)),
    open: (path, options) => over((backend) => backend.open(path, options)),
    openReadonly: (path, options) => over((backend) => backend.openReadonly(path, options)),
    openBytes: (bytes, options) => over((backend) => backend.openBytes(bytes, options)),
  };
}

/** Stores of one test: in a folder of their own, closed and removed when it ends. */
export interface Stores {
  path(name?: string): string;
  create(options?: Partial<RvfOptions>, name?: string): Promise<RvfDatabase>;
  open(options?: RvfOpenOptions, name?: string): Promise<RvfDatabase>;
  openReadonly(name?: string): Promise<RvfDatabase>;
  openBytes(bytes: Uint8Array, options?: { readOnly?: boolean }): Promise<RvfDatabase>;
}

/** Registers what makes and removes the stores of each test of a `describe`. */
export function useStores(host: Host): Stores {
  const opened: RvfDatabase[] = [];
  const path = useFolder();
  const keep = (db: RvfDatabase): RvfDatabase => {
    opened.push(db);
    return db;
  };
  afterEach(async () => {
    await Promise.allSettled(opened.splice(0).map((db) => db.close()));
  });
  return {
    path,
    create: async (options, name) => keep(await host.create(path(name), { dimensions: 4, ...options })),
    open: async (options, name) => keep(await host.open(path(name), options)),
    openReadonly: async (name) => keep(await host.openReadonly(path(name))),
    openBytes: async (bytes, options) => keep(await host.openBytes(bytes, options)),
  };
}

/** Paths in a folder that each test has for itself. */
export function useFolder(): (name?: string) => string {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'rvf-test-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return (name = 'store.rvf') => join(folder, name);
}
