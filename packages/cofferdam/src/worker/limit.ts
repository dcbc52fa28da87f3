import { CofferdamError } from "../errors/index.ts";
import { givenUp, refuseAborted } from "./given-up.ts";
import { checkUsed, parseRetryAfter, type Permit, type PermitOptions } from "./permit.ts";
import type { Ask } from "./service.ts";

/** Numbers of permits are this process's own, and are not used twice. */
let nextPermit = 1;

const what = "a permit";

/** Waits for a permit of the parent's limiter of that name. */
export async function acquirePermit(
  ask: Ask,
  name: string,
  { units = 1, signal }: PermitOptions = {},
): Promise<Permit> {
  refuseAborted(what, signal);
  const permit = nextPermit++;
  /** What needs no answer: should the socket fail, this process ends. */
  const tell = (request: Readonly<Record<string, unknown>>): void => {
    ask("limit", { ...request, permit }).catch(() => undefined);
  };
  const granted = ask("limit", { op: "acquire", name, units, permit });
  await (signal ? giveUpOnAbort(granted, signal, () => tell({ op: "cancel" })) : granted);
  return new AskedPermit(units, tell);
}

async function giveUpOnAbort(
  granted: Promise<unknown>,
  signal: AbortSignal,
  cancel: () => void,
): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => {
    cancel();
    reject(givenUp(what, signal));
  };
  signal.addEventListener("abort", onAbort, { once: true });
  granted.catch(() => undefined); // after an abort nobody waits for it
  try {
    await Promise.race([granted, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

class AskedPermit implements Permit {
  readonly units: number;
  readonly #tell: (request: Readonly<Record<string, unknown>>) => void;
  #released = false;

  constructor(units: number, tell: (request: Readonly<Record<string, unknown>>) => void) {
    this.units = units;
    this.#tell = tell;
  }

  used(units: number): void {
    checkUsed(units);
    this.#refuseReleased();
    this.#tell({ op: "used", units });
  }

  retryAfter(after?: number | string | null): void {
    const ms = parseRetryAfter(after);
    this.#refuseReleased();
    this.#tell({ op: "pause", ...(ms === undefined ? {} : { ms }) });
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#tell({ op: "release" });
  }

  [Symbol.dispose](): void {
    this.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.release();
    return Promise.resolve();
  }

  #refuseReleased(): void {
    if (this.#released) throw new CofferdamError("CLOSED", "the permit was given back already");
  }
}
