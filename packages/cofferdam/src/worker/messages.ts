/**
 * What pool and worker say to each other; `docs/reference/protocol.md` has it in full. Values
 * (arguments, results) are encoded by `values.ts`; `plain` says that none of a message's values
 * needs decoding. `list` is flat, so that a thousand small tasks are one cheap JSON array.
 *
 *     pool → worker   {t:"hello", protocol, module, init, recycleAbove, bulk}
 *                     {t:"tasks", list:[id, name, args, …], each, plain}
 *                     {t:"run", id, name, args}         to a worker that did not say `batch`
 *                     {t:"cancel", id}                  the caller does not want it any more
 *                     {t:"recall", id}                  another shall do it, unless it has begun
 *                     {t:"answer", call, ok, value}     to a `call`
 *                     {t:"close"}                       finish and exit
 *     worker → pool   {t:"ready", names, batch, bulk, dispose}
 *                     {t:"broken", error}               it could not be loaded
 *                     {t:"results", list:[id, value, …], us, plain}
 *                     {t:"result", id, value}           from a worker that did not say `batch`
 *                     {t:"error", id, error, us}
 *                     {t:"dropped", id}                 it was cancelled or recalled before it started
 *                     {t:"abortable", id}               the task listens for its cancellation
 *                     {t:"message", id, value}          from the task to its caller
 *                     {t:"progress", id, fraction, note}
 *                     {t:"call", call, task, service, request}
 *                     {t:"memory", bytes}               above `recycleAbove`
 */
export const protocolVersion = 1;

export type ToWorker =
  | {
      readonly t: "hello";
      readonly protocol: number;
      readonly module?: string;
      readonly init?: unknown;
      readonly recycleAbove?: number;
      /** The descriptor of the bulk file. */
      readonly bulk?: number;
    }
  | {
      readonly t: "tasks";
      readonly list: readonly unknown[];
      /** 1: tell each result before the next task starts; 0: those of half a millisecond at once. */
      readonly each: 0 | 1;
      readonly plain: 0 | 1;
    }
  | { readonly t: "run"; readonly id: number; readonly name: string; readonly args: unknown }
  | { readonly t: "cancel"; readonly id: number }
  | { readonly t: "recall"; readonly id: number }
  | {
      readonly t: "answer";
      readonly call: number;
      readonly ok: boolean;
      readonly value?: unknown;
      readonly error?: RemoteError;
    }
  | { readonly t: "close" };

export type FromWorker =
  | {
      readonly t: "ready";
      readonly names: readonly string[];
      /** It understands `tasks` and `cancel`. */
      readonly batch?: boolean;
      /** It reads from the bulk file. */
      readonly bulk?: boolean;
      /** It has something to tear down: it is told to close, and not just ended. */
      readonly dispose?: boolean;
    }
  | { readonly t: "broken"; readonly error: RemoteError }
  | {
      readonly t: "results";
      readonly list: readonly unknown[];
      /** Time that these took, in microseconds. */
      readonly us: number;
      readonly plain: 0 | 1;
    }
  | { readonly t: "result"; readonly id: number; readonly value: unknown }
  | { readonly t: "error"; readonly id: number; readonly error: RemoteError; readonly us?: number }
  | { readonly t: "dropped"; readonly id: number }
  | { readonly t: "abortable"; readonly id: number }
  | { readonly t: "message"; readonly id: number; readonly value: unknown }
  | {
      readonly t: "progress";
      readonly id: number;
      readonly fraction: number;
      readonly note?: string;
    }
  | {
      readonly t: "call";
      readonly call: number;
      readonly task: number;
      readonly service: string;
      readonly request: unknown;
    }
  | { readonly t: "memory"; readonly bytes: number };

/** An error that was thrown in a worker, as far as it can be sent. */
export interface RemoteError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: string;
}

export function describeError(thrown: unknown): RemoteError {
  if (!(thrown instanceof Error)) return { name: "Error", message: safeText(thrown) };
  const { name, message, stack } = thrown;
  const code = "code" in thrown && typeof thrown.code === "string" ? thrown.code : undefined;
  return {
    name: safeText(name),
    message: safeText(message),
    ...(typeof stack === "string" ? { stack } : {}),
    ...(code === undefined ? {} : { code }),
  };
}

/** `String(value)`, also for what throws when it is made a string. */
function safeText(value: unknown): string {
  try {
    return String(value);
  } catch {
    return "a value that cannot be shown";
  }
}
