/** Objects of a task outside an IPC namespace: its own go or are told, a bystander's stay. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openScope, type RunningCommand, type TaskResult } from "cofferdam";
import { until } from "../../../../test/support/processes.ts";
import {
  holderCommand,
  readHeld,
  removeHeld,
  startBystander,
  type HeldObject,
} from "../support/held-objects.ts";

const python = spawnSync("python3", ["--version"]).status === 0;
const skipped = python ? "" : " (skipped, because there is no python3)";
const forced = process.env["COFFERDAM_CONTAINMENT"];

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "objects-"));
});

afterEach(() => {
  if (forced === undefined) delete process.env["COFFERDAM_CONTAINMENT"];
  else process.env["COFFERDAM_CONTAINMENT"] = forced;
  rmSync(folder, { recursive: true });
});

/** What the command of a task has started, by process groups. */
function killTree(way: string, { pid }: RunningCommand): void {
  const groups =
    way === "group"
      ? [String(pid)]
      : readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
  for (const group of groups) process.kill(-Number(group), "SIGKILL");
}

const ends: [string, (way: string, command: RunningCommand) => void][] = [
  ["being stopped, with TERM ignored", (_way, command) => command.stop(100)],
  ["being stopped without grace", (_way, command) => command.stop(0)],
  ["SIGKILL of the whole tree from outside", killTree],
];

/** Names in a report: a System V object's has its number, and its key if it has one. */
function names(objects: readonly HeldObject[]): string[] {
  return objects.map(({ kind, name }) =>
    kind === "file" || kind === "queue" ? name : `${kind} ${name}`,
  );
}

function told(leaks: TaskResult["leaks"]): string[] {
  return leaks.map(({ name }) => name.replace(/ key 0x[0-9a-f]+$/, ""));
}

describe.skipIf(!python).each(["subreaper", "group"])(
  `objects of a task under %s${skipped}`,
  (way) => {
    it.each(ends)("are removed or told after %s", async (_how, end) => {
      process.env["COFFERDAM_CONTAINMENT"] = way;
      const own = join(folder, "own");
      const others = join(folder, "others");
      await using scope = await openScope();
      const started = Promise.withResolvers<RunningCommand>();
      const running = scope.exec(holderCommand(own), { reject: false, onStart: started.resolve });
      const command = await started.promise;
      await until(() => existsSync(own));
      await using stack = new AsyncDisposableStack();
      stack.defer(() => removeHeld(readHeld(own).present));
      stack.use(await startBystander(others));
      const before = scope.report().peakMemoryBytes.value;
      command.signal("SIGUSR1");
      await until(() => scope.report().peakMemoryBytes.value > before + 32 * 1024 * 1024);
      end(way, command);
      const result = await running;

      const { all, present } = readHeld(own);
      const isSeen = ({ kind }: HeldObject): boolean =>
        kind !== "queue" || !result.unseen.includes("message-queue");
      const proved = all.filter((object) => object.isProved && isSeen(object));
      const left = all.filter((object) => !object.isProved || !isSeen(object));
      expect(names(present)).toEqual(names(left));
      const objects = result.leaks.filter(({ kind }) => kind !== "process");
      // What the tracker has removed is not told: it was gone before the end.
      expect(names(proved).slice(4).sort()).toEqual(
        told(objects)
          .filter((name) => names(proved).slice(4).includes(name))
          .sort(),
      );
      expect(objects.map(({ action }) => action)).toEqual(objects.map(() => "removed"));
      expect(told(result.unattributed)).toEqual(
        expect.arrayContaining(names(left.filter((object) => isSeen(object)))),
      );
      expect(result.unattributed.every(({ action }) => action === "left")).toBe(true);

      const bystander = readHeld(others);
      expect(bystander.present).toEqual(bystander.all);
      expect(told(objects).filter((name) => names(bystander.all).includes(name))).toEqual([]);

      const report = await scope.close();
      expect(report.unseen).toEqual(result.unseen);
      expect(told(report.unattributed)).toEqual(told(result.unattributed));
    });
  },
);
