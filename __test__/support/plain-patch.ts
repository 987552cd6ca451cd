/** A JSON merge patch by the words of RFC 7386: what `target` becomes. Nothing given is changed. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) {
    return patch;
  }
  // Without a prototype `__proto__` is a key like any other.
  const merged: Record<string, unknown> = Object.assign(Object.create(null), isObject(target) ? target : {});
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) {
      delete merged[key];
    } else {
      merged[key] = mergePatch(merged[key], value);
    }
  }
  return merged;
}

/** What an entry's metadata becomes: as above, but a patch that sets nothing leaves metadata alone that is no object. */
export function patchMetadata(metadata: unknown, patch: unknown): unknown {
  const merged = mergePatch(metadata, patch);
  return isObject(metadata) || Object.keys(merged as object).length > 0 ? merged : metadata;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
