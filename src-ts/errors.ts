import { RvfErrorCode } from './error-code.js';

export { RvfErrorCode };

/** How an engine begins the message of a failure: `[0305] ...`. Our own messages add the name: `[0305] ReadOnly: ...`. */
const CODE_PREFIX = /^\[([0-9A-Fa-f]{4})\] (?:[A-Z][A-Za-z]+: )?/;

/** The category of errors in the file itself. */
const CATEGORY_FORMAT = 0x01;

/**
 * Every failure of this package.
 *
 * `message` reads `[0305] ReadOnly: what happened, which limit, what to do`; programs should look at {@link RvfError.code}.
 */
export class RvfError extends Error {
  /** What went wrong, as a stable number. */
  readonly code: RvfErrorCode;

  /**
   * @param code - What went wrong.
   * @param detail - What happened, which argument and limit it concerns, and what to do.
   * @param options - `cause`: the error behind this one.
   */
  constructor(code: RvfErrorCode, detail?: string, options?: { cause?: unknown }) {
    const label = `[${formatCode(code)}] ${RvfErrorCode[code] ?? 'Unknown'}`;
    super(detail === undefined || detail === '' ? label : `${label}: ${detail}`, options);
    this.name = 'RvfError';
    this.code = code;
  }

  /** High byte of the code: 1 format, 2 query, 3 write, 4 tile, 5 crypto, 6 lineage, 7 copy on write, 8 security, 9 quality, 255 SDK. */
  get category(): number {
    return this.code >> 8;
  }

  /** Whether the error is about the file's bytes. Trying again does not help; `verify()`, a backup or a newer version may. */
  get isFormatError(): boolean {
    return this.category === CATEGORY_FORMAT;
  }

  /**
   * Makes an `RvfError` of whatever an engine threw: by the code in brackets that starts its message, else by a known
   * number in its `code` property. Anything else is `Internal`. An `RvfError` is answered as it is.
   */
  static fromNative(error: unknown): RvfError {
    if (error instanceof RvfError) {
      return error;
    }
    const message = error instanceof Error ? error.message : String(error);
    const prefix = CODE_PREFIX.exec(message);
    if (prefix?.[1] !== undefined) {
      const code = Number.parseInt(prefix[1], 16);
      if (isErrorCode(code)) {
        return new RvfError(code, message.slice(prefix[0].length), { cause: error });
      }
    }
    const code = (error as { code?: unknown } | null | undefined)?.code;
    return new RvfError(isErrorCode(code) ? code : RvfErrorCode.Internal, message, { cause: error });
  }
}

/** A failure that only its reader can put right: what is asked for does not exist in this version or on this host. */
export function notSupported(what: string, instead: string): RvfError {
  return new RvfError(RvfErrorCode.NotSupportedHere, `${what} is not supported here: ${instead}`);
}

function isErrorCode(code: unknown): code is RvfErrorCode {
  return typeof code === 'number' && RvfErrorCode[code] !== undefined;
}

function formatCode(code: number): string {
  return code.toString(16).toUpperCase().padStart(4, '0');
}
