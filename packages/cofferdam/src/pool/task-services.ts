import { CofferdamError } from "../errors/index.ts";
import type { LeaseHolder, WorkerService } from "../scope/index.ts";

interface Holding {
  readonly holder: LeaseHolder;
  readonly services: Set<WorkerService>;
  readonly abort: AbortController;
}

/** What the tasks of one worker have asked of the scope's services, until they end. */
export class TaskServices {
  readonly #worker: number;
  readonly #find: (name: string) => WorkerService | undefined;
  readonly #holdings = new Map<number, Holding>();

  constructor(worker: number, find: (name: string) => WorkerService | undefined) {
    this.#worker = worker;
    this.#find = find;
  }

  /** What the service answers, or a promise of it. */
  handle(task: number, name: string, request: unknown): unknown {
    const service = this.#find(name);
    if (!service)
      throw new CofferdamError("INVALID_ARGUMENT", `the pool's scope has no service \`${name}\``);
    const { holder, services, abort } = this.#holding(task);
    services.add(service);
    return service.handle(request, holder, abort.signal);
  }

  /** The task has ended: what it held is free again. */
  release(task: number): void {
    const holding = this.#holdings.size > 0 ? this.#holdings.get(task) : undefined;
    if (!holding) return;
    this.#holdings.delete(task);
    holding.abort.abort(new CofferdamError("CANCELLED", "the task has ended"));
    for (const service of holding.services) service.release?.(holding.holder);
  }

  releaseAll(): void {
    for (const task of this.#holdings.keys()) this.release(task);
  }

  #holding(task: number): Holding {
    let holding = this.#holdings.get(task);
    if (!holding) {
      const holder = { worker: this.#worker, task };
      holding = { holder, services: new Set(), abort: new AbortController() };
      this.#holdings.set(task, holding);
    }
    return holding;
  }
}
