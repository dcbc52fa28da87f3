import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { COOKIE_VARIABLE } from "../census/index.ts";
import { killExactly } from "../kill.ts";
import { type Blocked, lookAtChildren } from "./where.ts";

const program = fileURLToPath(new URL("./programs/two_stages.py", import.meta.url));

export interface PythonRun {
  /** Stages that ended, in the order in which they did. */
  readonly ended: readonly string[];
  /** Null when the program was still there at the deadline, or had given no result. */
  readonly exitCode: number | null;
  readonly frozen: boolean;
  /** Where its children stood when it was frozen. */
  readonly blocked: readonly Blocked[];
}

export interface PythonOptions {
  readonly python: string;
  readonly rawRoot: string;
  readonly folder: string;
  readonly procedures: string;
  readonly cookie: string;
  /** So long without any result is frozen. */
  readonly silenceMs: number;
}

/** Runs one stage, or both back to back, in one Python process. */
export async function runPythonStages(
  which: "stage" | "preprocess" | "both",
  options: PythonOptions,
): Promise<PythonRun> {
  const { python, rawRoot, folder, procedures, cookie, silenceMs } = options;
  const child = spawn(python, [program, which, rawRoot, folder, procedures], {
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, [COOKIE_VARIABLE]: cookie, POLARS_MAX_THREADS: "2" },
  });
  const ended: string[] = [];
  let frozen = false;
  let blocked: readonly Blocked[] = [];
  const closed = once(child, "close");
  const watch = new Silence(silenceMs);
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    ended.push(...text.split("\n").filter((line) => line !== ""));
    watch.heard();
  });
  void watch.silent.then(async () => {
    frozen = true;
    blocked = await lookAtChildren(child.pid ?? 0, join(python, "..", "py-spy"));
    endTree(child, blocked);
  });
  const [exitCode] = (await closed) as [number | null];
  watch.stop();
  return { ended, exitCode, frozen, blocked };
}

/** Only the program itself and the children that were looked at, each by pid and start time. */
function endTree(child: ChildProcess, blocked: readonly Blocked[]): void {
  child.kill("SIGKILL");
  for (const { pid, starttime } of blocked) killExactly({ pid, starttime });
}

/** Resolves once nothing has been heard for so long. */
class Silence {
  readonly silent: Promise<void>;
  readonly #ms: number;
  #resolve!: () => void; // set in the constructor
  #timer: NodeJS.Timeout;

  constructor(ms: number) {
    this.#ms = ms;
    this.silent = new Promise((resolve) => (this.#resolve = resolve));
    this.#timer = setTimeout(this.#resolve, ms);
  }

  heard(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#resolve, this.#ms);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
