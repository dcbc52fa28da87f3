/** Builds the tricks, and runs all cells of a way as a user. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, mkdirSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { COOKIE_VARIABLE, openCensus } from "../../../../lab/census/index.ts";
import { killExactly } from "../../../../lab/kill.ts";
import { catalogue, tricks, type Trick, type Way } from "./catalogue.ts";
import { mountsBelow, type Cell, type Finding } from "./cell.ts";
import type { Order } from "./run-way.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const runner = join(here, "run-way.ts");
const nobody = 65534;
/** Under `group` each task reads the whole process table again and again. */
const atOnce = { namespace: 4, subreaper: 4, group: 2 };
/**
 * A program whose parent is attacked may never end by itself under `group`, where it is that parent.
 * Elsewhere this is a safety net: on a machine that has more to do its start alone takes a while.
 */
const attackedMs = { namespace: 120_000, subreaper: 120_000, group: 3_000 };

export interface User {
  readonly name: string;
  /** Null: the one who runs the test. */
  readonly uid: number | null;
}

export const users: readonly User[] = [
  { name: process.getuid?.() === 0 ? "root" : "an ordinary user", uid: null },
  { name: "an ordinary user", uid: nobody },
];

export type Line = Finding | { unavailable: string } | (Cell & { failed: string });

/** Compiles all tricks into a folder; throws with what the compiler said. */
export function buildTricks(into: string): void {
  const sources = readdirSync(join(here, "tricks")).filter((name) => name.endsWith(".c"));
  for (const source of [...sources.map((name) => join("tricks", name)), "queue.c"]) {
    const output = join(into, basename(source, ".c"));
    const flags = ["-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-pthread"];
    const args = [...flags, "-o", output, join(here, source), "-lrt"];
    const { status, stderr, error } = spawnSync("cc", args, { encoding: "utf8" });
    if (status !== 0) throw new Error(`cc: ${error?.message ?? stderr}`);
  }
}

/** A folder for the cells of one user and one way, below this test's own. */
function openPlace(programs: string, user: User, name: string): Order["place"] {
  const folder = join(tmpdir(), name);
  mkdirSync(folder);
  if (user.uid !== null) {
    chmodSync(tmpdir(), 0o711);
    chownSync(folder, user.uid, user.uid);
  }
  return { programs, folder };
}

/** All cells of a way that a user plays. */
export function cellsOf(way: Way, user: User): Cell[] {
  const asRoot = process.getuid?.() === 0 && user.uid === null;
  return (
    tricks
      .filter(([, { onlyRoot }]) => asRoot || !onlyRoot)
      .flatMap(([trick, { modes }]) => modes.map((mode) => ({ trick, mode })))
      // Who runs it makes no difference to a way that uses no privilege.
      .filter(({ mode }) => way !== "group" || user.uid === null || mode === "exit")
  );
}

/** What the cells of a way show, or why it cannot be had here. */
export async function runWay(way: Way, user: User, programs: string): Promise<Line[]> {
  const isAlone = ({ trick }: Cell): boolean => (catalogue[trick] as Trick).alone ?? false;
  const cells = cellsOf(way, user);
  const name = `${way}-${user.uid ?? "own"}`;
  const place = openPlace(programs, user, name);
  const lines: Line[] = [];
  const alone = cells.filter(isAlone);
  const runAlone = async (): Promise<void> => {
    for (let cell = alone.shift(); cell; cell = alone.shift()) {
      const own = openPlace(programs, user, `${name}-${cell.trick}-${cell.mode}`);
      lines.push(...(await runAttacked({ way, place: own, cells: [cell], atOnce: 1 }, cell, user)));
    }
  };
  const together = cells.filter((cell) => !isAlone(cell));
  const [most] = await Promise.all([
    runProgram({ way, place, cells: together, atOnce: atOnce[way] }, user),
    runAlone(),
    runAlone(),
  ]);
  return [...most, ...lines];
}

function start(order: Order, user: User, stderr: "inherit" | "ignore"): ReturnType<typeof spawn> {
  const node = [process.execPath, "--conditions=cofferdam-source", runner, JSON.stringify(order)];
  const id = String(user.uid);
  const change = ["setpriv", "--reuid", id, "--regid", id, "--clear-groups"];
  const [command = "", ...args] = user.uid === null ? node : [...change, ...node];
  const { [COOKIE_VARIABLE]: cookie = "" } = process.env;
  return spawn(command, args, {
    cwd: "/",
    stdio: ["ignore", "pipe", stderr],
    env: {
      ...process.env,
      [COOKIE_VARIABLE]: cookie,
      NODE_OPTIONS: "",
      TMPDIR: order.place.folder,
      COFFERDAM_CONTAINMENT: order.way === "namespace" ? "" : order.way,
    },
  });
}

async function runProgram(order: Order, user: User): Promise<Line[]> {
  const child = start(order, user, "inherit");
  const closed = once(child, "close");
  const lines: Line[] = [];
  if (child.stdout)
    for await (const line of createInterface({ input: child.stdout }))
      lines.push(JSON.parse(line) as Line);
  await closed;
  return lines;
}

/** The program may be killed or stopped by the trick: then the count is taken from here. */
async function runAttacked(order: Order, cell: Cell, user: User): Promise<Line[]> {
  const census = openCensus({ markers: [order.place.folder], scratch: [] });
  // Under `group` it is the Node process that is lost, loudly.
  const child = start(order, user, order.way === "group" ? "ignore" : "inherit");
  const closed = once(child, "close");
  let text = "";
  child.stdout?.setEncoding("utf8").on("data", (part: string) => (text += part));
  const since = performance.now();
  using watch = census.watch(child.pid ?? 0, 100);
  // A tracer has to go first: the dead are its to reap.
  let left: ReturnType<typeof census.observe> = [];
  const endAll = (): void => {
    left = census.observe().filter(({ process }) => process.pid !== child.pid);
    for (const { process } of left) killExactly(process);
    child.kill("SIGKILL");
  };
  const tooLong = setTimeout(endAll, attackedMs[order.way]);
  await once(child, "exit");
  clearTimeout(tooLong);
  if (left.length === 0) endAll();
  await closed;
  watch.stop();
  const mounts = mountsBelow(order.place.folder);
  for (const path of mounts) spawnSync("umount", [path]);
  if (text !== "") return [JSON.parse(text) as Line];
  return [
    {
      ...cell,
      outcome: "the Node process was lost",
      durationMs: Math.round(performance.now() - since),
      left: [
        ...left.map(({ process }) => `process ${process.pid} ${process.comm}`),
        ...mounts.map((path) => `mount ${path}`),
      ],
      reported: { left: 0, verified: false, cgroup: false },
      leaks: [],
    },
  ];
}
