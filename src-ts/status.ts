import type {
  EngineCompressionStatus,
  EngineInfo,
  EngineStatus,
  EngineTieringStatus,
  EngineVerify,
} from './engine.js';
import type {
  RvfCompressionStatus,
  RvfIndexStats,
  RvfStatus,
  RvfTieringStatus,
  RvfVerifyResult,
} from './types.js';
import { shapeOf } from './vectors.js';

/** An engine's state as `status()` answers it. */
export function toStatus(info: EngineInfo, status: EngineStatus): RvfStatus {
  return {
    totalVectors: status.totalVectors,
    totalSegments: status.totalSegments,
    fileSizeBytes: status.fileSizeBytes,
    epoch: status.epoch,
    profileId: status.profile,
    compactionState: status.compactionRunning ? 'running' : 'idle',
    deadSpaceRatio: status.deadSpaceRatio,
    readOnly: status.readOnly,
    dtype: shapeOf(info).dtype,
    recovered: { commits: status.recoveredCommits, tornBytes: status.recoveredTornBytes },
    totalRows: status.totalRows,
    unindexedRows: status.unindexedRows,
    indexBytes: status.indexBytes,
    ...compressionStatus(status.compression),
    ...tieringStatus(status.tiering),
    tailBytes: status.tailBytes,
    retainedBytes: status.retainedBytes,
    witnessEntries: status.witnessEntries,
    poisoned: status.poisoned,
    mapped: status.mapped,
  };
}

const COMPRESSIONS = ['scalar', 'product', 'binary'] as const;

function compressionStatus(found: EngineCompressionStatus | undefined): {
  compression?: RvfCompressionStatus;
} {
  if (found === undefined) {
    return {};
  }
  const { kind, bits, subvectors, packedRows, rowBytes, quantisers, sampleRows, recall, relativeError } =
    found;
  const compression: RvfCompressionStatus = {
    type: COMPRESSIONS[kind - 1] ?? 'scalar',
    bits,
    packedRows,
    rowBytes,
    quantisers,
  };
  if (subvectors > 0) {
    compression.subvectors = subvectors;
  }
  if (sampleRows > 0) {
    compression.measured = { sampleRows, recall, relativeError };
  }
  return { compression };
}

function tieringStatus(found: EngineTieringStatus | undefined): { tiering?: RvfTieringStatus } {
  if (found === undefined) {
    return {};
  }
  const { hotShare, coldKind, hotRows, coldRows, coldRowBytes, sampleRows, recall, relativeError } = found;
  const cold = coldKind === 1 ? 'scalar4' : coldKind === 2 ? 'product' : 'binary';
  const tiering: RvfTieringStatus = { hotShare, cold, hotRows, coldRows, coldRowBytes };
  if (sampleRows > 0) {
    tiering.measured = { sampleRows, recall, relativeError };
  }
  return { tiering };
}

/** Figures of the graph, as `indexStats()` answers them. */
export function toIndexStats(info: EngineInfo, status: EngineStatus): RvfIndexStats {
  return {
    indexedVectors: Math.max(0, status.totalRows - status.unindexedRows),
    layers: status.indexLayers,
    m: info.m,
    efConstruction: info.efConstruction,
    needsRebuild: status.needsRebuild,
  };
}

/** What an engine's check of the whole file found. */
export function toVerifyResult(answer: EngineVerify): RvfVerifyResult {
  return {
    valid: answer.problems.length === 0,
    segments: answer.segments,
    bytes: answer.bytes,
    problems: answer.problems,
  };
}
