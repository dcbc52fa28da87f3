import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { spawnSync } from "node:child_process";
import { expect } from "vitest";
import {
  PoolTaskError,
  type Pool,
  type PoolOptions,
  type Scope,
  type WorkerSource,
} from "cofferdam";
import type * as Faults from "../../fixtures/faults.ts";

export type FaultPool = Pool<typeof Faults>;

export interface Language {
  readonly name: "Node" | "Python";
  readonly source: WorkerSource;
  /** Why it cannot be tried here; null where it can. */
  readonly missing: string | null;
}

const python = fileURLToPath(new URL("../../fixtures/faults.py", import.meta.url));

function pythonMissing(): string | null {
  if (spawnSync("python3", ["--version"]).status !== 0) return "there is no python3";
  return existsSync(python) ? null : "there is no faults.py";
}

export const languages: readonly Language[] = [
  { name: "Node", source: new URL("../../fixtures/faults.ts", import.meta.url), missing: null },
  { name: "Python", source: { python }, missing: pythonMissing() },
];

export function openFaultPool(
  scope: Scope,
  language: Language,
  options: PoolOptions = {},
): FaultPool {
  return scope.pool<typeof Faults>(language.source, { workers: 2, grace: "300ms", ...options });
}

export async function failureOf(promise: Promise<unknown>): Promise<PoolTaskError> {
  const error: unknown = await promise.then(
    () => new Error("it did not fail"),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(PoolTaskError);
  return error as PoolTaskError;
}

/** Lets a task say that it has begun. */
export function started(): { readonly begun: Promise<unknown>; readonly onStart: () => void } {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  return { begun: promise, onStart: () => resolve(undefined) };
}
