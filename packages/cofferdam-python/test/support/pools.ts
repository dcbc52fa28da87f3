import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect } from "vitest";
import { openScope, PoolTaskError, type Pool, type PoolOptions, type Scope } from "cofferdam";

/** Python functions, called by whatever name. */
export type Functions = Record<string, (...args: unknown[]) => unknown>;

export interface PythonPools {
  readonly scope: Scope;
  /** A pool for a file of `fixtures`, or for the file of an absolute path. */
  open(file: string, options?: PoolOptions & { interpreter?: string }): Pool<Functions>;
}

/** A scope for each test, of which nothing is left when it is closed. */
export function usePools(): PythonPools {
  let scope: Scope;
  beforeEach(async () => {
    scope = await openScope();
  });
  afterEach(async () => {
    const report = await scope.close();
    expect(report.processes.left).toBe(0);
  });
  return {
    get scope() {
      return scope;
    },
    open(file, { interpreter, ...options } = {}) {
      const python = fixture(file);
      return scope.pool<Functions>(
        { python, ...(interpreter === undefined ? {} : { interpreter }) },
        { workers: 1, grace: "200ms", ...options },
      );
    },
  };
}

export function fixture(file: string): string {
  return file.startsWith("/")
    ? file
    : fileURLToPath(new URL(`../fixtures/${file}`, import.meta.url));
}

export async function failureOf(promise: Promise<unknown>): Promise<PoolTaskError> {
  const error: unknown = await promise.then(
    () => new Error("it did not fail"),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(PoolTaskError);
  return error as PoolTaskError;
}
