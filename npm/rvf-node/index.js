// Loads the addon of this platform: a binary beside this file (a development build), else the platform's own package.
'use strict';

const { existsSync } = require('node:fs');
const { join } = require('node:path');
const { version } = require('./package.json');

const SUPPORTED = {
  darwin: ['arm64', 'x64'],
  linux: ['arm64', 'x64'],
  win32: ['arm64', 'x64'],
};

/** The C library this process runs on; Node's own report is the one source that needs no external program. */
function detectLibc() {
  const { report } = process;
  // Without this the report looks up the name of every open connection's peer, which can take seconds.
  const excludeNetwork = report.excludeNetwork;
  report.excludeNetwork = true;
  try {
    return report.getReport().header.glibcVersionRuntime ? 'gnu' : 'musl';
  } finally {
    report.excludeNetwork = excludeNetwork;
  }
}

/** The names of the binaries that could serve here. */
function candidates() {
  const { platform, arch } = process;
  if (!SUPPORTED[platform]?.includes(arch)) return [];
  if (platform === 'win32') return [`win32-${arch}-msvc`];
  if (platform === 'darwin') return [`darwin-${arch}`];
  return [`linux-${arch}-gnu`, `linux-${arch}-musl`];
}

/** Where one binary is: built into this folder, or installed as a package; where it would be, if it is nowhere. */
function places(name) {
  const local = join(__dirname, `rvf-node.${name}.node`);
  const installed = `@ruvector/rvf-node-${name}`;
  return existsSync(local) ? [local, installed] : [installed];
}

function isPresent(place) {
  try {
    require.resolve(place);
    return true;
  } catch {
    return false;
  }
}

/**
 * All places, the likeliest first. Asking which C library this is takes longer than loading the addon, and mostly only one
 * variant is there; the answer can also be wrong (a compatibility layer, an unusual distribution), so both are tried.
 */
function orderedPlaces() {
  const names = candidates();
  const present = names.filter((name) => places(name).some(isPresent));
  if (present.length === names.length && names.length > 1 && detectLibc() === 'musl') names.reverse();
  return names.flatMap(places);
}

function load() {
  const causes = [];
  for (const place of orderedPlaces()) {
    try {
      const binding = require(place);
      if (binding.version() === version) return binding;
      throw new Error(`it is of version ${binding.version()}, this loader of ${version}`);
    } catch (error) {
      causes.push({
        place,
        missing: error.code === 'MODULE_NOT_FOUND' && error.message.includes(`'${place}'`),
        error,
      });
    }
  }
  throw failure(causes);
}

function failure(causes) {
  const libc = process.platform === 'linux' ? detectLibc() : undefined;
  const host = [process.platform, process.arch, libc, `Node ${process.versions.node}`]
    .filter(Boolean)
    .join(', ');
  // BackendNotFound where there is no binary at all, BackendInitFailed where there is one that does not load.
  const code = causes.every((cause) => cause.missing) ? 'FF00' : 'FF01';
  const lines = causes.map(
    ({ place, missing, error }) =>
      `  ${place}: ${missing ? 'not installed' : error.message.split('\n', 1)[0]}`,
  );
  const advice =
    causes.length === 0
      ? 'There is no native build for this platform.'
      : 'Install @ruvector/rvf again without leaving out optional dependencies (npm: no --omit=optional), on the platform it is to run on.';
  const error = new Error(
    [`[${code}] The native engine could not be loaded (${host}).`, ...lines, advice].join('\n'),
  );
  error.causes = causes.map((cause) => cause.error);
  return error;
}

const binding = load();

// One by one, so that ECMAScript modules can import them by name.
exports.version = binding.version;
exports.createControl = binding.createControl;
exports.create = binding.create;
exports.open = binding.open;
exports.openBytes = binding.openBytes;
