import type { LeaseHolder } from "./service.ts";

/** What workers hold, by worker, task and the number that the worker has given it. */
export class Held<Value> {
  readonly #workers = new Map<
    LeaseHolder["worker"],
    Map<LeaseHolder["task"], Map<number, Value>>
  >();

  set({ worker, task }: LeaseHolder, number: number, value: Value): void {
    let tasks = this.#workers.get(worker);
    if (!tasks) {
      tasks = new Map<LeaseHolder["task"], Map<number, Value>>();
      this.#workers.set(worker, tasks);
    }
    let values = tasks.get(task);
    if (!values) {
      values = new Map<number, Value>();
      tasks.set(task, values);
    }
    values.set(number, value);
  }

  get({ worker, task }: LeaseHolder, number: number): Value | undefined {
    return this.#workers.get(worker)?.get(task)?.get(number);
  }

  take(holder: LeaseHolder, number: number): Value | undefined {
    const tasks = this.#workers.get(holder.worker);
    const values = tasks?.get(holder.task);
    const value = values?.get(number);
    if (!values?.delete(number)) return undefined;
    if (values.size === 0) tasks?.delete(holder.task);
    if (tasks?.size === 0) this.#workers.delete(holder.worker);
    return value;
  }

  /** Removes and gives all that a holder has; of all the worker's tasks when none is named. */
  takeAll({ worker, task }: LeaseHolder): Value[] {
    const tasks = this.#workers.get(worker);
    if (!tasks) return [];
    const taken = [...tasks].filter(([other]) => task === undefined || other === task);
    for (const [other] of taken) tasks.delete(other);
    if (tasks.size === 0) this.#workers.delete(worker);
    return taken.flatMap(([, values]) => [...values.values()]);
  }
}
