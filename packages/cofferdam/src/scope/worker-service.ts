/** Who asks, or holds a lease: one attempt of one task, in one worker. Compared by identity. */
export interface LeaseHolder {
  /** Process id of the worker, as the host sees it. */
  readonly worker: number;
  readonly task: number;
}

/**
 * What the tasks of a scope's pools can ask of this process while they run: `currentTask().call` in
 * a Node worker, `task.call` in a Python one. Requests and answers are values that can be sent.
 */
export interface WorkerService {
  /** Answers one request. `signal` is aborted when the task ends or its worker dies. */
  handle(request: unknown, holder: LeaseHolder, signal: AbortSignal): unknown;
  /** The holder is gone: what it held is free again, at once. Called once, if it ever asked. */
  release?(holder: LeaseHolder): void;
}
