/** Two runtimes that share the folder for runs from two PID namespaces never touch each other's. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findContainment } from "../../../../test/support/containment.ts";
import { until } from "../../../../test/support/processes.ts";
import { cli } from "../../../../test/support/program.ts";

const namespace = ["--pid", "--fork", "--kill-child", "--mount-proc"];
const canUnshare = spawnSync("unshare", [...namespace, "true"]).status === 0;
const strengths = ["namespace", "subreaper", "group"];
const ways = strengths.slice(strengths.indexOf((await findContainment()).tree));

let folder: string;
let base: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "two-"));
  base = join(folder, `cofferdam-${userInfo().uid}`);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const functions = `
  cofferdam() { "$NODE" --conditions=cofferdam-source "$CLI" "$@"; }
  begin() {
    "$NODE" --conditions=cofferdam-source "$CLI" exec -- sh -c \
      'trap "" TERM; sleep 600 & setsid sleep 600 & touch "$1"; wait' task "$1" &
    node=$!
  }
  kill_both() {
    victims=$node
    for child in $(cat /proc/$node/task/$node/children); do
      case $(cat /proc/$child/comm) in cofferdam-keep*) victims="$victims $child" ;; esac
    done
    kill -9 $victims
    wait $node 2>/dev/null
  }
  count() { cat /proc/[0-9]*/comm 2>/dev/null | grep -c '^sleep$'; }
  `;

/** A shell in a PID namespace of its own, which is told what to do. */
class Side implements AsyncDisposable {
  readonly #name: string;
  readonly #shell: ChildProcess;
  readonly #ended: Promise<unknown>;
  #answers = 0;

  constructor(name: string, way: string) {
    this.#name = name;
    this.#shell = spawn("unshare", [...namespace, "sh"], {
      stdio: ["pipe", "ignore", "ignore"],
      env: {
        ...process.env,
        ...{ NODE: process.execPath, NODE_OPTIONS: "", CLI: cli },
        ...{ TMPDIR: folder, COFFERDAM_CONTAINMENT: way },
      },
    });
    this.#ended = once(this.#shell, "exit");
    this.#shell.stdin?.write(functions);
  }

  /** What a command writes. */
  async ask(command: string): Promise<string> {
    const answer = join(folder, `answer-${this.#name}-${++this.#answers}`);
    this.#shell.stdin?.write(`${command} >${answer}.new\nmv ${answer}.new ${answer}\n`);
    await until(() => existsSync(answer));
    return readFileSync(answer, "utf8").trim();
  }

  /** Starts a run; gives the pid of its Node in this namespace once its task runs. */
  async begin(): Promise<number> {
    const ready = join(folder, `ready-${this.#name}`);
    const pid = await this.ask(`begin ${ready}; echo $node`);
    await until(() => existsSync(ready));
    return Number(pid);
  }

  /** States of the runs, sorted. */
  async sweep(...options: "--dry-run"[]): Promise<string[]> {
    const answer = await this.ask(["cofferdam sweep --json", ...options].join(" "));
    const { runs } = JSON.parse(answer) as Swept;
    return runs.map(({ state, removed }) => (removed ? `${state}, removed` : state)).toSorted();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#shell.stdin?.end();
    await this.#ended;
  }
}

interface Swept {
  readonly runs: readonly { readonly state: string; readonly removed: boolean }[];
}

const name = canUnshare
  ? "two PID namespaces, one folder for runs"
  : "two PID namespaces (skipped, because unshare may make none here)";

describe.skipIf(!canUnshare)(name, () => {
  it.each(ways)("leave each other's runs alone, and end their own (%s)", async (way) => {
    await using left = new Side("left", way);
    await using right = new Side("right", way);
    // Both namespaces count from 1, so that the same pids mean others on each side.
    expect(await left.begin()).toBe(await right.begin());
    for (const side of [left, right]) {
      expect(await side.sweep()).toEqual(["live", "live"]);
      expect(await side.ask("count")).toBe("2");
    }
    for (const [dead, other, remains] of [
      [left, right, ["live"]],
      [right, left, []],
    ] as const) {
      const runs = readdirSync(base).length;
      await dead.ask("kill_both");
      // What dies with its keeper may be removed from anywhere; the rest only where it can be seen.
      const judged = way === "namespace" ? "dead, removed" : "unknown";
      const foreseen = way === "namespace" ? "dead" : "unknown";
      expect(await other.sweep("--dry-run")).toEqual([foreseen, ...remains].toSorted());
      expect(await dead.sweep("--dry-run")).toEqual(["dead", ...remains].toSorted());
      expect(readdirSync(base).length).toBe(runs);
      expect(await other.sweep()).toEqual([judged, ...remains].toSorted());
      expect(readdirSync(base).length).toBe(way === "namespace" ? runs - 1 : runs);
      expect(await dead.sweep()).toEqual(
        way === "namespace" ? remains : ["dead, removed", ...remains],
      );
      expect(await dead.ask("count")).toBe("0");
      expect(await other.ask("count")).toBe(remains.length === 0 ? "0" : "2");
    }
    expect(readdirSync(base)).toEqual([]);
  });
});
