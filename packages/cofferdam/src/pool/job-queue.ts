import type { Job } from "./job.ts";

/** Jobs in the order in which they are to run. Every operation takes the same time at any length. */
export class JobQueue {
  head: Job | undefined;
  #tail: Job | undefined;
  length = 0;

  push(job: Job): void {
    job.before = this.#tail;
    job.after = undefined;
    if (this.#tail) this.#tail.after = job;
    else this.head = job;
    this.#tail = job;
    job.queued = true;
    this.length++;
  }

  unshift(job: Job): void {
    job.after = this.head;
    job.before = undefined;
    if (this.head) this.head.before = job;
    else this.#tail = job;
    this.head = job;
    job.queued = true;
    this.length++;
  }

  shift(): Job | undefined {
    const { head } = this;
    if (head) this.remove(head);
    return head;
  }

  /** Does nothing for a job that is not queued. */
  remove(job: Job): void {
    if (!job.queued) return;
    if (job.before) job.before.after = job.after;
    else this.head = job.after;
    if (job.after) job.after.before = job.before;
    else this.#tail = job.before;
    job.before = job.after = undefined;
    job.queued = false;
    this.length--;
  }
}
