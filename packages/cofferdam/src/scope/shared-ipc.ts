import { CofferdamError } from "../errors/index.ts";
import type {
  Backend,
  ContainedProcess,
  Containment,
  IpcSharing,
  ProcessEnd,
  ProcessSpec,
} from "../keeper/index.ts";

/** Throws `CONTAINMENT_UNAVAILABLE` where a task cannot share with whom it asks to, and no others. */
export function checkIpc(
  ipc: IpcSharing | undefined,
  { containment, shortfall }: { readonly containment: Containment; readonly shortfall: string },
): void {
  if (ipc === undefined || ipc === "host" || containment.ipc === "task") return;
  const what =
    ipc === "task" ? "IPC objects of its own a task" : "IPC objects of their scope alone tasks";
  throw new CofferdamError(
    "CONTAINMENT_UNAVAILABLE",
    `${what} can have in a namespace only, and here is \`${containment.tree}\`: ${shortfall}; with \`ipc: "host"\` they are the machine's`,
  );
}

/** What the task really has, in place of the best that can be had. */
export function withIpc(containment: Containment, ipc: IpcSharing | undefined): Containment {
  return containment.ipc === "host" ? containment : { ...containment, ipc: ipc ?? "task" };
}

/** The IPC namespace and `/dev/shm` of a scope: held from the first task that shares them until the scope closes. */
export class SharedIpc {
  readonly #backend: Backend;
  readonly #onEnd: (end: ProcessEnd) => void;
  #holder: Promise<ContainedProcess> | undefined;

  /** `onEnd` is told what had been left in them. */
  constructor(backend: Backend, onEnd: (end: ProcessEnd) => void) {
    this.#backend = backend;
    this.#onEnd = onEnd;
  }

  /** As `Backend.start`. */
  async start(spec: ProcessSpec): Promise<ContainedProcess> {
    for (;;) {
      const opening = (this.#holder ??= this.#open());
      const { pid } = await opening;
      try {
        return await this.#backend.start({ ...spec, ipc: { join: pid } });
      } catch (error) {
        // A lost keeper takes them with it; the next one has nothing to join.
        if (this.#holder === opening) throw error;
      }
    }
  }

  /** Resolves when they are gone. */
  async close(): Promise<void> {
    const holder = await this.#holder?.catch(() => null);
    holder?.stop(0);
    await holder?.ended;
  }

  async #open(): Promise<ContainedProcess> {
    try {
      const holder = await this.#backend.start({
        command: ["shared-ipc"], // a name; nothing is run
        cwd: "/",
        env: {},
        stdio: ["null", "null", "null"],
        graceMs: 0,
        ipc: "hold",
        channel: false,
      });
      void holder.ended.then((end) => {
        this.#holder = undefined;
        this.#onEnd(end);
      });
      return holder;
    } catch (error) {
      this.#holder = undefined;
      throw error;
    }
  }
}
