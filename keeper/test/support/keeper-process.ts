import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { type Reply, ReplyReader, reply, request, frame, tag } from "./wire.ts";

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

export interface KeeperOptions {
  /** Before the keeper's path: a program that runs it, such as valgrind. */
  readonly wrapper?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly onReply?: (reply: Reply) => void;
}

/** A keeper that a test speaks to directly, without the library between. */
export class KeeperProcess {
  readonly child: ChildProcess;
  readonly exit: Promise<Exit>;
  readonly #control: Socket;
  readonly #looks = new Set<(reply: Reply) => void>();
  /** Replies by type, counted; the replies themselves would be a leak in a long run. */
  readonly counts = new Map<number, number>();
  hello: Reply | undefined;

  constructor(binary: string, base: string, options: KeeperOptions = {}) {
    const [program, ...args] = [...(options.wrapper ?? []), binary, base];
    // In `spawn` a "pipe" above 2 is a socketpair, as the keeper wants it on 3.
    this.child = spawn(program, args, {
      stdio: ["ignore", "ignore", "pipe", "pipe", "ignore", "ignore", "ignore"],
      env: options.env ?? process.env,
    });
    this.#control = this.child.stdio[3] as Socket;
    let stderr = "";
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    this.#control.on("error", () => undefined); // a keeper that hangs up is what some tests want
    this.exit = once(this.child, "close").then(([code, signal]) => ({
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      stderr,
    }));
    const reader = new ReplyReader();
    this.#control.on("data", (chunk: Buffer) => {
      for (const found of reader.read(chunk)) {
        this.counts.set(found.type, this.count(found.type) + 1);
        if (found.type === reply.hello) this.hello = found;
        options.onReply?.(found);
        for (const look of this.#looks) look(found);
      }
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Whether it can contain anything on this machine. Known after the hello. */
  get contains(): boolean {
    return (this.hello?.text(tag.tree) ?? "none") !== "none";
  }

  count(type: number): number {
    return this.counts.get(type) ?? 0;
  }

  /** Resolves when the other side has room again. */
  async send(bytes: Uint8Array): Promise<void> {
    if (!this.#control.writable || this.#control.write(bytes)) return;
    const drained = new Promise<unknown>((resolve) => this.#control.once("drain", resolve));
    await Promise.race([drained, this.exit]);
  }

  /** The next reply for which `wanted` holds. Rejects when the keeper ends before it. */
  async next(wanted: (reply: Reply) => boolean): Promise<Reply> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const look = (found: Reply): void => {
      if (wanted(found)) resolve(found);
    };
    this.#looks.add(look);
    void this.exit.then(({ code, signal, stderr }) =>
      reject(new Error(`the keeper ended (code ${code}, signal ${signal}): ${stderr}`)),
    );
    try {
      return await promise;
    } finally {
      this.#looks.delete(look);
    }
  }

  async ready(): Promise<this> {
    if (this.hello === undefined) await this.next(({ type }) => type === reply.hello);
    return this;
  }

  /** Starts a task and waits until it has ended or was refused. */
  async run(startFrame: Buffer): Promise<Reply> {
    const task = startFrame.readUInt32LE(5);
    const over = this.next(
      (found) =>
        found.task === task && (found.type === reply.ended || found.type === reply.refused),
    );
    await this.send(startFrame);
    await this.send(frame(request.opened, task));
    return over;
  }

  /**
   * An answer to this proves that all that was sent before has been read: frames are taken in
   * order, and a START without an argument is refused.
   */
  async echo(task: number): Promise<void> {
    const refused = this.next((found) => found.type === reply.refused && found.task === task);
    await this.send(frame(request.start, task));
    await refused;
  }

  /** Says nothing more; the keeper then ends everything and itself. */
  async close(): Promise<Exit> {
    this.#control.end();
    return this.exit;
  }

  /** Both directions at once, as when our process dies. */
  async hangUp(): Promise<Exit> {
    this.#control.destroy();
    return this.exit;
  }
}

/** What of a living process must stay flat, however much it does. */
export function measure(pid: number): { rssBytes: number; descriptors: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const rss = /^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1] ?? "0";
  return {
    rssBytes: Number(rss) * 1024,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  };
}

/** The runs below a base folder that a keeper has left behind. */
export function runsBelow(base: string): string[] {
  return existsSync(base) ? readdirSync(base).map((name) => join(base, name)) : [];
}
