import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { ProcessTree } from "../chaos/victims.ts";
import type { Tier } from "./plan.ts";
import type { Programs } from "./programs.ts";
import { findCommands } from "./victims.ts";

const RUNTIME = fileURLToPath(new URL("programs/runtime.ts", import.meta.url));
const LANES = 2;
const TAIL_CHARACTERS = 2_000;

export type Order = "run" | "again" | "stop" | "close";

/** What the runtime says of a scope that has closed. */
export interface Closed {
  readonly left: number;
  readonly verified: boolean;
}

export interface RuntimePlace {
  /** Its `TMPDIR`. */
  readonly temporary: string;
  /** A folder of its own where tasks say that they are ready. */
  readonly ready: string;
  readonly cache: string;
}

/** A runtime that is going to be killed: its process, what it says, and what it is told. */
export class RuntimeProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly ended: Promise<void>;
  /** What tasks of its were lost, by outcome; and what failed altogether. */
  readonly failures: string[] = [];
  opened: { readonly tree: string } | null = null;
  closed: Closed | null = null;
  left = 0;
  hasEnded = false;
  #stderr = "";
  readonly #running = new Set<number>();
  readonly #place: RuntimePlace;

  constructor(tier: Tier, programs: Programs, place: RuntimePlace, env: NodeJS.ProcessEnv) {
    this.#place = place;
    this.child = spawn(
      process.execPath,
      ["--conditions=cofferdam-source", RUNTIME, programs.holder, place.ready, ...programs.locks],
      {
        stdio: ["pipe", "pipe", "pipe"],
        env: {
          ...process.env,
          ...env,
          NODE_OPTIONS: "",
          COFFERDAM_CONTAINMENT: tier,
          TMPDIR: place.temporary,
          // Thousands of starts: what the first has compiled need not be compiled again.
          NODE_COMPILE_CACHE: place.cache,
        },
      },
    );
    if (this.child.pid === undefined) throw new Error(`${process.execPath} could not be started`);
    this.pid = this.child.pid;
    this.ended = new Promise((resolve) => {
      this.child.once("exit", () => {
        this.hasEnded = true;
        // What it started and nobody has ended may hold the other ends for ever.
        for (const stream of this.child.stdio) stream?.destroy();
        resolve();
      });
    });
    this.child.stdin?.on("error", () => undefined); // It is killed, and may be so while we write.
    this.child.stderr
      ?.setEncoding("utf8")
      .on("data", (text: string) => (this.#stderr = (this.#stderr + text).slice(-TAIL_CHARACTERS)));
    if (this.child.stdout)
      createInterface({ input: this.child.stdout }).on("line", (line) => this.#onLine(line));
  }

  tell(order: Order): void {
    this.child.stdin?.write(`${order}\n`);
  }

  get stderrTail(): string {
    return this.#stderr.trim();
  }

  get complaint(): string {
    const { exitCode, signalCode } = this.child;
    const end = this.hasEnded ? `ended with ${signalCode ?? exitCode ?? "?"}` : "still runs";
    return [end, ...this.failures, this.stderrTail].filter((text) => text !== "").join("; ");
  }

  /** Resolves with `false` when it has ended first, or after the deadline. */
  whenOpen(deadlineMs: number): Promise<boolean> {
    return this.#until(() => this.opened !== null, deadlineMs);
  }

  /** All lanes have a task that has said that it is ready, and lives; twice in a row. */
  async whenSteady(deadlineMs: number): Promise<boolean> {
    const isReady = (task: number): boolean => existsSync(join(this.#place.ready, String(task)));
    let looks = 0;
    // The death of a task is seen at once, and told by the runtime a moment later.
    return await this.#until(() => {
      const all = this.#running.size === LANES && [...this.#running].every(isReady);
      looks = all && findCommands(this.pid, ProcessTree.read()).length === LANES ? looks + 1 : 0;
      return looks === 2;
    }, deadlineMs);
  }

  whenEnded(deadlineMs: number): Promise<boolean> {
    return this.#until(() => this.hasEnded, deadlineMs);
  }

  async #until(condition: () => boolean, deadlineMs: number): Promise<boolean> {
    const end = performance.now() + deadlineMs;
    while (!condition()) {
      if (performance.now() > end) return false;
      // What it has said before its end may not have been read yet.
      if (this.hasEnded) return condition();
      await delay(1);
    }
    return true;
  }

  #onLine(line: string): void {
    const blank = line.indexOf(" ");
    const about = JSON.parse(line.slice(blank + 1)) as Record<string, unknown>;
    switch (line.slice(0, blank)) {
      case "open":
        this.opened = about as unknown as { tree: string };
        break;
      case "started":
        this.#running.add(Number(about["number"]));
        break;
      case "ended":
        this.#running.delete(Number(about["number"]));
        this.left += Number(about["left"]);
        break;
      case "failed":
        this.failures.push(String(about["message"]));
        break;
      case "closed":
        this.closed = about as unknown as Closed;
        break;
    }
  }
}
