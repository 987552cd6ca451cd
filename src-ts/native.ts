import type { Engine, EngineModule } from './engine.js';
import { RvfError, RvfErrorCode } from './errors.js';

/** Where the addon may be: installed, or in the repository, beside the sources or beside `dist/esm` and `dist/cjs`. */
const CANDIDATES = ['@ruvector/rvf-node', '../npm/rvf-node/index.js', '../../npm/rvf-node/index.js'] as const;

const EXPORTS = ['version', 'createControl', 'create', 'open', 'openBytes'] as const;

let loading: Promise<Engine> | undefined;

/**
 * The native engine, loaded once.
 *
 * @throws RvfError naming the platform and why each candidate could not be loaded: `BackendInitFailed` where there is an
 * addon that does not start, `BackendNotFound` where there is none.
 */
export function loadNativeEngine(): Promise<Engine> {
  loading ??= load().catch((error: unknown) => {
    // What is missing may be installed by the next attempt.
    loading = undefined;
    throw error;
  });
  return loading;
}

async function load(): Promise<Engine> {
  const causes: string[] = [];
  let code = RvfErrorCode.BackendNotFound;
  for (const candidate of CANDIDATES) {
    try {
      return adopt(await importModule(candidate));
    } catch (error) {
      causes.push(`${candidate}: ${causeText(error)}`);
      if (RvfError.fromNative(error).code === RvfErrorCode.BackendInitFailed) {
        code = RvfErrorCode.BackendInitFailed;
      }
    }
  }
  const detail =
    `no native engine for ${platformName()}. Install @ruvector/rvf-node with its optional dependencies. ` +
    `Tried:\n- ${causes.join('\n- ')}`;
  throw new RvfError(code, detail);
}

async function importModule(specifier: string): Promise<Record<string, unknown>> {
  const module: Record<string, unknown> = await import(
    /* @vite-ignore */ /* webpackIgnore: true */ specifier
  );
  return (module.default as Record<string, unknown> | undefined) ?? module;
}

/** Makes an engine of a module, if it is one: packages of version 0.2 bear the same name. */
function adopt(module: Record<string, unknown>): Engine {
  const missing = EXPORTS.filter((name) => typeof module[name] !== 'function');
  if (missing.length > 0) {
    throw new Error(`is not an engine of this version, as it has no ${missing.join(', ')}`);
  }
  const engine = module as unknown as EngineModule;
  return {
    kind: 'node',
    version: () => engine.version(),
    createControl: () => engine.createControl(),
    create: (path, options) => engine.create(path, options),
    open: (path, options) => engine.open(path, options),
    openBytes: (bytes, options) => engine.openBytes(bytes, options),
  };
}

/** An error's message and those of the errors behind it. */
function causeText(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  const message = error.message.split('\nRequire stack:', 1)[0] ?? '';
  return error.cause === undefined ? message : `${message}; because: ${causeText(error.cause)}`;
}

/** Platform, architecture and libc, as in the names of the platform packages. */
function platformName(): string {
  if (typeof process === 'undefined') {
    return 'this host, which is not Node.js';
  }
  const libc = process.platform === 'linux' ? `-${libcName()}` : '';
  return `${process.platform}-${process.arch}${libc} (Node.js ${process.version})`;
}

function libcName(): string {
  // Without this the report looks up the peer's name of every open connection, which can take seconds.
  (process.report as { excludeNetwork?: boolean }).excludeNetwork = true;
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  const glibc = report.header?.glibcVersionRuntime;
  return glibc === undefined ? 'musl' : `gnu ${glibc}`;
}
