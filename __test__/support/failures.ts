import { RvfError, RvfErrorCode } from '@ruvector/rvf';
import { expect } from 'vitest';

type CodeName = keyof typeof RvfErrorCode;

/** The `RvfError` that a promise rejects with. */
export async function rejection(promise: Promise<unknown>): Promise<RvfError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return asRvfError(error);
}

/** The `RvfError` that a function throws at once. */
export function thrown(call: () => unknown): RvfError {
  try {
    call();
  } catch (error) {
    return asRvfError(error);
  }
  return asRvfError(undefined);
}

/** Expects a promise to reject with a code, and a message that names what is to be named. */
export async function expectRejection(
  promise: Promise<unknown>,
  code: CodeName,
  ...named: string[]
): Promise<void> {
  expectFailure(await rejection(promise), code, ...named);
}

/** Expects an error to have a code, and a message that names what is to be named. */
export function expectFailure(error: RvfError, code: CodeName, ...named: string[]): void {
  expect(RvfErrorCode[error.code], error.message).toBe(code);
  for (const part of named) {
    expect(error.message).toContain(part);
  }
}

function asRvfError(error: unknown): RvfError {
  expect(error, `expected an RvfError, got ${String(error)}`).toBeInstanceOf(RvfError);
  return error as RvfError;
}
