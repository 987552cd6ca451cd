import type { Engine, EngineControl } from './engine.js';
import { RvfError, RvfErrorCode } from './errors.js';
import { checkMilliseconds, refuseOption } from './options.js';
import type { RvfCallOptions, RvfProgressOptions } from './types.js';
import { describe } from './validate.js';

/** How often `onProgress` is told, in milliseconds. */
const PROGRESS_INTERVAL_MS = 50;

/** Carries the reason with which a stopped call rejects, whatever its type is, past the mapping of engine errors. */
export class Interrupted {
  constructor(readonly reason: unknown) {}
}

/** @throws RvfError `InvalidOptions` where the options that stop or watch a call are not what they must be. */
export function checkCallOptions(options: RvfProgressOptions): void {
  const { signal, onProgress } = options;
  if (signal !== undefined && typeof signal?.addEventListener !== 'function') {
    refuseOption('options.signal', `must be an AbortSignal, not ${describe(signal)}`);
  }
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    refuseOption('options.onProgress', `must be a function, not ${describe(onProgress)}`);
  }
  checkMilliseconds('options.timeoutMs', options.timeoutMs, 0);
}

/** The options for a call whose time the engine watches itself: only a signal needs a control then. */
export function onlySignal(options: RvfCallOptions | undefined): RvfCallOptions | undefined {
  return options?.signal === undefined ? undefined : { signal: options.signal };
}

/** Whether a call needs an `EngineControl` at all. */
export function needsControl(options: RvfProgressOptions): boolean {
  return options.signal !== undefined || (options.timeoutMs ?? 0) > 0 || options.onProgress !== undefined;
}

/** Ends a call, which then rejects with the reason. */
export type Stop = (reason: unknown) => void;

/**
 * Runs an engine call that can be stopped and watched. The engine never sees the signal, only the control's flag. The
 * call is waited for even when it was told to stop: only then is it known whether it still had its effect.
 *
 * @param stops - Has what stops the call while it runs, for a caller that may have to.
 * @throws Interrupted where the call was stopped; otherwise what the engine threw.
 */
export async function runControlled<T>(
  engine: Engine,
  options: RvfProgressOptions,
  start: (control: EngineControl) => Promise<T>,
  stops?: Set<Stop>,
): Promise<T> {
  if (options.signal?.aborted === true) {
    throw new Interrupted(options.signal.reason);
  }
  const control = engine.createControl();
  const state: CallState = {};
  const interrupt: Stop = (reason) => {
    state.interrupted ??= new Interrupted(reason);
    control.cancel();
  };
  stops?.add(interrupt);
  const unwatch = watch(options, interrupt);
  const report = reporter(options, control, state);
  const progress = report === undefined ? undefined : setInterval(report, PROGRESS_INTERVAL_MS);
  unref(progress);
  try {
    const answer = await start(control);
    report?.();
    if (state.progressFailure !== undefined) {
      throw state.progressFailure;
    }
    return answer;
  } catch (error) {
    const reason = state.progressFailure ?? state.interrupted;
    throw reason !== undefined && RvfError.fromNative(error).code === RvfErrorCode.Timeout ? reason : error;
  } finally {
    clearInterval(progress);
    unwatch();
    stops?.delete(interrupt);
  }
}

/** Why a call was told to stop, if it was. */
interface CallState {
  /** By its signal, or by its time. */
  interrupted?: Interrupted;
  /** By what `onProgress` threw; the call then rejects even if it had its effect. */
  progressFailure?: Interrupted;
}

/** Calls `interrupt` when the signal aborts or the time is over, until the function it answers is called. */
function watch(options: RvfCallOptions, interrupt: Stop): () => void {
  const { signal, timeoutMs = 0 } = options;
  const onAbort = (): void => interrupt(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  const onTimeout = (): void =>
    interrupt(new RvfError(RvfErrorCode.Timeout, `timeoutMs: ${timeoutMs} ms are over`));
  const timer = timeoutMs > 0 ? setTimeout(onTimeout, timeoutMs) : undefined;
  unref(timer);
  return () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  };
}

/** Tells `onProgress` where the call is; what that throws stops the call. */
function reporter(
  options: RvfProgressOptions,
  control: EngineControl,
  state: CallState,
): (() => void) | undefined {
  const { onProgress } = options;
  if (onProgress === undefined) {
    return undefined;
  }
  return () => {
    if (state.progressFailure !== undefined) {
      return;
    }
    try {
      const [done, total] = control.progress();
      onProgress(done, total);
    } catch (error) {
      state.progressFailure = new Interrupted(error);
      control.cancel();
    }
  };
}

/** Lets the process end although a timer waits; timers of browsers are numbers and keep nothing alive. */
function unref(timer: unknown): void {
  (timer as { unref?: () => void } | undefined)?.unref?.();
}
