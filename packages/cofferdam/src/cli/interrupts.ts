import { writeSync } from "node:fs";
import type { Renderer } from "../events/index.ts";
import { signalExitCodes, type InterruptSignal } from "./exit-codes.ts";

export interface Interrupts extends Disposable {
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP. */
  readonly signal: AbortSignal;
  /** The exit code that the first one stands for; null while there was none. */
  readonly exitCode: number | null;
}

/**
 * Turns the first interrupt into an abort, so that work ends in order, and a second one into an
 * immediate exit: the keeper then kills what is left, at once. `beforeExit` makes the terminal as
 * it was.
 */
export function listenForInterrupts(
  options: { onFirst?: (signal: InterruptSignal) => void; beforeExit?: () => void } = {},
): Interrupts {
  const controller = new AbortController();
  let exitCode: number | null = null;
  const names = Object.keys(signalExitCodes) as InterruptSignal[];
  const handle = (name: InterruptSignal): void => {
    if (exitCode !== null) {
      options.beforeExit?.();
      process.exit(signalExitCodes[name]);
    }
    exitCode = signalExitCodes[name];
    options.onFirst?.(name);
    controller.abort(new Error(`interrupted by ${name}`));
  };
  for (const name of names) process.on(name, handle);
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    [Symbol.dispose]: () => {
      for (const name of names) process.off(name, handle);
    },
  };
}

/**
 * The same for a command that shows its progress: the first interrupt says what is now being ended
 * (`the workers`), in the command's own voice, and a second one leaves the terminal as it was.
 */
export function listenBesideProgress(
  renderer: Renderer,
  what: string,
  say: (message: string) => void,
): Interrupts {
  return listenForInterrupts({
    onFirst: () => {
      renderer.clear();
      say(`interrupted: ending ${what} (once more to quit at once)`);
    },
    beforeExit: () => void writeSync(2, renderer.restore),
  });
}
