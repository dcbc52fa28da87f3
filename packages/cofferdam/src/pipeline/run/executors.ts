import { totalmem } from "node:os";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Scope } from "../../open-scope.ts";
import type { Pool, PoolOptions, WorkerSource } from "../../pool/index.ts";
import { parseSize } from "../../units/index.ts";
import type { LoadedPipeline, Stage } from "../config/index.ts";
import { trackedParams } from "../plan/index.ts";
import { CommandExecutor } from "./command-executor.ts";
import type { Executor } from "./executor.ts";
import { ModuleExecutor, type StageFunctions } from "./module-executor.ts";

/** Makes the executors of a run's stages; stages that want the same workers share them. */
export class Executors {
  readonly #scope: Scope;
  readonly #loaded: LoadedPipeline;
  readonly #commands = new Map<Stage, Executor>();
  /** By what tells workers apart, and by the memory bound of a try. */
  readonly #pools = new Map<string, Map<number | undefined, Pool<StageFunctions>>>();

  constructor(scope: Scope, loaded: LoadedPipeline) {
    this.#scope = scope;
    this.#loaded = loaded;
  }

  /** `memoryBytes` is the bound of this try: a retry may have a larger one, and other workers. */
  get(stage: Stage, workers: number, memoryBytes: number | undefined): Executor {
    const { folder, pipeline } = this.#loaded;
    const source = sourceOf(stage, folder);
    if (source !== null) {
      const pool = this.#poolOf(stage, source, workers, memoryBytes);
      return new ModuleExecutor(pool, functionOf(stage), trackedParams(stage, pipeline));
    }
    const command =
      this.#commands.get(stage) ??
      new CommandExecutor(this.#scope, { stage, pipeline, folder, workers });
    this.#commands.set(stage, command);
    return command;
  }

  /** Ends the workers that none of these stages wants. Resolves when they are gone. */
  async keepOnly(stages: readonly { definition: Stage; workers: number }[]): Promise<void> {
    const wanted = new Set(stages.map(({ definition, workers }) => keyOf(definition, workers)));
    const unwanted = [...this.#pools].filter(([key]) => !wanted.has(key));
    for (const [key] of unwanted) this.#pools.delete(key);
    const pools = unwanted.flatMap(([, sizes]) => [...sizes.values()]);
    await Promise.all(pools.map((pool) => pool.close()));
  }

  #poolOf(
    stage: Stage,
    source: WorkerSource,
    workers: number,
    memoryBytes: number | undefined,
  ): Pool<StageFunctions> {
    const key = keyOf(stage, workers);
    const sizes = this.#pools.get(key) ?? new Map<number | undefined, Pool<StageFunctions>>();
    this.#pools.set(key, sizes);
    const pool =
      sizes.get(memoryBytes) ??
      this.#scope.pool<StageFunctions>(source, poolOptions(stage, workers, memoryBytes));
    sizes.set(memoryBytes, pool);
    return pool;
  }
}

/** What tells workers apart: not which of the file's functions they call. */
function keyOf({ module, python, env, resources, grace, ipc }: Stage, workers: number): string {
  return JSON.stringify([module, python, env, resources, grace, ipc, workers]);
}

/** Where a stage's function comes from; null for a command. */
export function sourceOf({ module, python }: Stage, folder: string): WorkerSource | null {
  if (module !== undefined) return pathToFileURL(resolve(folder, module));
  return python === undefined ? null : { python: resolve(folder, python) };
}

export function functionOf(stage: Stage): string {
  return stage.function ?? (stage.python === undefined ? "default" : "run");
}

function poolOptions(stage: Stage, workers: number, memoryBytes: number | undefined): PoolOptions {
  const { threads } = stage.resources ?? {};
  return {
    workers,
    ...(stage.env ? { env: stage.env } : {}),
    ...(threads === undefined ? {} : { threads }),
    ...(memoryBytes === undefined ? {} : { memory: memoryBytes }),
    ...(stage.grace === undefined ? {} : { grace: stage.grace }),
    ...(stage.ipc === undefined ? {} : { ipc: stage.ipc }),
  };
}

export function memoryOf(stage: Stage): number | undefined {
  const { memory } = stage.resources ?? {};
  return memory === undefined ? undefined : parseSize(memory);
}

/** As many as are allowed at once, and no more than the machine has memory for. */
export function workersOf(stage: Stage, slots: number): number {
  const memory = memoryOf(stage);
  const wanted = stage.workers ?? slots;
  if (memory === undefined) return wanted;
  return Math.max(1, Math.min(wanted, Math.floor(totalmem() / memory)));
}
