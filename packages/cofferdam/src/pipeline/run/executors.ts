import { totalmem } from "node:os";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { Scope } from "../../open-scope.ts";
import type { PoolOptions, WorkerSource } from "../../pool/index.ts";
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
  readonly #known = new Map<string, Map<number | undefined, Executor>>();

  constructor(scope: Scope, loaded: LoadedPipeline) {
    this.#scope = scope;
    this.#loaded = loaded;
  }

  /** `memoryBytes` is the bound of this try: a retry may have a larger one, and other workers. */
  get(stage: Stage, workers: number, memoryBytes: number | undefined): Executor {
    const key = this.#keyOf(stage, workers);
    const sizes = this.#known.get(key) ?? new Map<number | undefined, Executor>();
    this.#known.set(key, sizes);
    const known = sizes.get(stage.run ? undefined : memoryBytes);
    if (known) return known;
    const executor = this.#make(stage, workers, memoryBytes);
    sizes.set(stage.run ? undefined : memoryBytes, executor);
    return executor;
  }

  /** Ends those that none of these stages wants. Resolves when their processes are gone. */
  async keepOnly(stages: readonly { definition: Stage; workers: number }[]): Promise<void> {
    const wanted = new Set(
      stages.map(({ definition, workers }) => this.#keyOf(definition, workers)),
    );
    const unwanted = [...this.#known].filter(([key]) => !wanted.has(key));
    for (const [key] of unwanted) this.#known.delete(key);
    const executors = unwanted.flatMap(([, sizes]) => [...sizes.values()]);
    await Promise.all(executors.map((executor) => executor.close()));
  }

  /** What tells workers apart. */
  #keyOf(stage: Stage, workers: number): string {
    const { run, module, python, function: name, env, resources, grace } = stage;
    if (run) return JSON.stringify([stage, workers]);
    const params = trackedParams(stage, this.#loaded.pipeline);
    return JSON.stringify([module, python, name, env, resources, grace, workers, params]);
  }

  #make(stage: Stage, workers: number, memoryBytes: number | undefined): Executor {
    const { folder, pipeline } = this.#loaded;
    const source = sourceOf(stage, folder);
    if (source === null)
      return new CommandExecutor(this.#scope, { stage, pipeline, folder, workers });
    const pool = this.#scope.pool<StageFunctions>(source, poolOptions(stage, workers, memoryBytes));
    return new ModuleExecutor(pool, functionOf(stage), trackedParams(stage, pipeline));
  }
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
