import { basename } from "node:path";
import { CofferdamError, errorCode } from "../errors/index.ts";
import type {
  Backend,
  BackendEvents,
  Containment,
  ContainedProcess,
  ProcessSpec,
} from "./backend.ts";
import { Listeners } from "./listeners.ts";
import { KeeperConnection, type KeeperTask } from "./keeper-connection.ts";
import { endUntold } from "./process-end.ts";

/** Keepers that died in a row without having ended a single task: then it is not bad luck. */
const lossesToGiveUp = 5;

/**
 * Containment by the native keeper. When a keeper is lost, another is started: its sweep waits
 * until the lost one's inits are dead, and only then do their tasks end as `keeper-lost`.
 */
export class NativeBackend implements Backend {
  readonly containment: Containment;
  readonly shortfall: string;
  readonly #binary: string;
  readonly #base: string;
  readonly #listeners = new Listeners<BackendEvents>();
  #connection: Promise<KeeperConnection>;
  #keepers = 1;
  #lossesInRow = 0;
  #closed = false;

  static async open(binary: string, base: string): Promise<NativeBackend> {
    const relay: { backend?: NativeBackend } = {};
    const connection = await connect(binary, base, undefined, () => relay.backend);
    return (relay.backend = new NativeBackend(binary, base, connection));
  }

  private constructor(binary: string, base: string, connection: KeeperConnection) {
    this.#binary = binary;
    this.#base = base;
    this.#connection = Promise.resolve(connection);
    const { tree, proc, cgroup, notes } = connection.hello;
    const isolated = tree === "namespace";
    const ipc = isolated ? "task" : "host";
    this.containment = {
      tree,
      ipc,
      proc,
      memory: cgroup.has("memory") ? "hard" : "polled",
      pids: cgroup.has("pids") ? "hard" : "polled",
      cgroup: cgroup.has("kill") ? "task" : "none",
    };
    this.shortfall = isolated ? "" : `no namespaces (${notes.join("; ")})`;
  }

  get ownProcesses(): number {
    return this.#keepers;
  }

  async start(spec: ProcessSpec): Promise<ContainedProcess> {
    for (;;) {
      if (this.#closed) throw new CofferdamError("CLOSED", "the scope is closed");
      const connection = await this.#connection;
      try {
        return await connection.start(spec);
      } catch (error) {
        // Nothing was started: the next keeper gets it.
        if (errorCode(error) !== "KEEPER_LOST") throw error;
      }
    }
  }

  listen(listener: Partial<BackendEvents>): () => void {
    return this.#listeners.add(listener);
  }

  async close(): Promise<number> {
    this.#closed = true;
    for (;;) {
      const connection = await this.#connection.catch(() => null);
      if (connection === null) return 0;
      const { left, folderLeft, lost } = await connection.close();
      // The next keeper has swept what the killed one had left to do, and is closed in its place.
      if (lost) continue;
      if (folderLeft)
        this.#listeners.call(
          "notice",
          "warning",
          `the run's folder ${connection.runPath} could not be removed`,
        );
      return left;
    }
  }

  sampled(bytes: number): void {
    this.#lossesInRow = 0;
    this.#listeners.call("memorySampled", bytes);
  }

  stuck(pid: number): void {
    this.#listeners.call(
      "notice",
      "warning",
      `process ${pid} was killed and does not die: the kernel keeps it (uninterruptible sleep, state D). Its task stays open until it does`,
    );
  }

  lost(lost: KeeperConnection, running: readonly KeeperTask[]): void {
    this.#listeners.call("keeperLost", lost.pid);
    this.#connection = this.#reconnect(basename(lost.runPath), running);
    // Without this a failure would be unhandled while nobody happens to start anything.
    this.#connection.catch(() => undefined);
  }

  async #reconnect(run: string, running: readonly KeeperTask[]): Promise<KeeperConnection> {
    let stuck = running.length;
    try {
      if (++this.#lossesInRow > lossesToGiveUp)
        throw new CofferdamError(
          "KEEPER_LOST",
          `the keeper died ${lossesToGiveUp + 1} times in a row and is not started again`,
        );
      const connection = await connect(this.#binary, this.#base, run, () => this);
      this.#keepers++;
      stuck = connection.hello.swept.stuck;
      this.#listeners.call("keeperStarted", connection.pid);
      return connection;
    } finally {
      // The sweep counts; which of them is stuck it does not say, and it is all the same.
      for (const task of running)
        task.ended.resolve(endUntold("keeper-lost", stuck-- > 0 ? 1 : 0, task.shared));
    }
  }
}

function connect(
  binary: string,
  base: string,
  after: string | undefined,
  backend: () => NativeBackend | undefined,
): Promise<KeeperConnection> {
  return KeeperConnection.open(binary, base, after, {
    sample: (bytes) => backend()?.sampled(bytes),
    stuck: (pid) => backend()?.stuck(pid),
    lost: (connection, running) => backend()?.lost(connection, running),
  });
}
