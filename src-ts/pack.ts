import { BATCH_TEXT_BYTES_MAX } from './limits.js';
import { invalid, refuse, utf8Length } from './validate.js';

/** Beyond this many characters the strings are not joined, as the engine of JavaScript has a limit for strings. */
const JOIN_CHARACTERS_MAX = 1 << 27;

const encoder = new TextEncoder();

/** Strings as UTF-8: string `i` is `bytes[offsets[i] .. offsets[i + 1]]`. */
export interface PackedStrings {
  readonly bytes: Uint8Array;
  readonly offsets: Uint32Array;
}

/**
 * Packs strings; the caller has made sure that they have a UTF-8 form.
 *
 * @throws RvfError `InvalidInput` where they take more bytes than a 32-bit offset reaches.
 */
export function packStrings(argument: string, strings: readonly string[]): PackedStrings {
  const offsets = new Uint32Array(strings.length + 1);
  let characters = 0;
  for (let index = 0; index < strings.length; index++) {
    characters += (strings[index] as string).length;
    offsets[index + 1] = characters;
  }
  if (characters <= JOIN_CHARACTERS_MAX) {
    const bytes = encoder.encode(strings.join(''));
    // As many bytes as characters: all ASCII, and the offsets are right already.
    if (bytes.length === characters) {
      return { bytes, offsets };
    }
  }
  return packOneByOne(argument, strings, offsets);
}

function packOneByOne(argument: string, strings: readonly string[], offsets: Uint32Array): PackedStrings {
  let total = 0;
  for (let index = 0; index < strings.length; index++) {
    total += utf8Length(strings[index] as string);
    offsets[index + 1] = total;
  }
  if (total > BATCH_TEXT_BYTES_MAX) {
    refuse(argument, invalid(`takes ${total} bytes, more than ${BATCH_TEXT_BYTES_MAX}; split the batch`));
  }
  const bytes = new Uint8Array(total);
  for (let index = 0; index < strings.length; index++) {
    encoder.encodeInto(strings[index] as string, bytes.subarray(offsets[index], offsets[index + 1]));
  }
  return { bytes, offsets };
}
