// What durability costs without a store: plain appends to a file, each followed by an fsync.

import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { freshPath, removeFile } from './scratch.mjs';

/** The bytes that a user hands over for some entries, as one buffer. */
export function payloadOf(entries) {
  const vectors = entries.map(({ vector }) =>
    Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength),
  );
  const texts = entries.map(({ id, metadata }) =>
    Buffer.from(metadata === undefined ? id : id + JSON.stringify(metadata)),
  );
  return Buffer.concat([...vectors, ...texts]);
}

/** A new file to append to; gone once closed. */
export function openRawFile() {
  const path = freshPath('raw.bin');
  const descriptor = openSync(path, 'w');
  return {
    /** Milliseconds that appending the buffers takes, with an fsync after each. */
    appendMs: (buffers) => {
      const started = performance.now();
      for (const buffer of buffers) {
        writeSync(descriptor, buffer);
        fsyncSync(descriptor);
      }
      return performance.now() - started;
    },
    close: () => {
      closeSync(descriptor);
      removeFile(path);
    },
  };
}
