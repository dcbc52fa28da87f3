import type { ServiceAnswer, ServiceRequest } from "../worker/service.ts";

/** Who holds a lease: a worker, and the task that it runs. */
export interface LeaseHolder {
  readonly worker: number | string;
  /** Left out where all of a worker's tasks are meant. */
  readonly task?: number | string;
}

/** What a worker asks of its parent while a task runs. One handler for each service's name. */
export interface WorkerService {
  /**
   * Answers one request of one worker. `signal` aborts when the worker dies or the task ends.
   * Rejects with a `CofferdamError`, whose code and message are the answer then.
   */
  handle(request: ServiceRequest, holder: LeaseHolder, signal: AbortSignal): Promise<ServiceAnswer>;
  /** The holder is gone: everything that it held is free again, at once. */
  release(holder: LeaseHolder): void;
}
