/**
 * What pool and worker say to each other. `run` and `result` carry encoded values (`values.ts`).
 *
 *     pool → worker   {t:"hello", module}            which module to load
 *                     {t:"run", id, name, args}
 *                     {t:"close"}                    finish and exit
 *     worker → pool   {t:"ready", names}             the module's functions
 *                     {t:"broken", error}            it could not be loaded
 *                     {t:"result", id, value}
 *                     {t:"error", id, error}
 */
export type ToWorker =
  | { readonly t: "hello"; readonly module: string }
  | { readonly t: "run"; readonly id: number; readonly name: string; readonly args: unknown }
  | { readonly t: "close" };

export type FromWorker =
  | { readonly t: "ready"; readonly names: readonly string[] }
  | { readonly t: "broken"; readonly error: RemoteError }
  | { readonly t: "result"; readonly id: number; readonly value: unknown }
  | { readonly t: "error"; readonly id: number; readonly error: RemoteError };

/** An error that was thrown in a worker, as far as it can be sent. */
export interface RemoteError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: string;
}

export function describeError(thrown: unknown): RemoteError {
  if (!(thrown instanceof Error)) return { name: "Error", message: String(thrown) };
  const { name, message, stack } = thrown;
  const code = "code" in thrown && typeof thrown.code === "string" ? thrown.code : undefined;
  return {
    name,
    message,
    ...(stack === undefined ? {} : { stack }),
    ...(code === undefined ? {} : { code }),
  };
}
