import { statfsSync } from "node:fs";
import { availableParallelism, cpus, freemem, totalmem } from "node:os";
import { formatBytes } from "../units/index.ts";
import { readCgroupBounds, type CgroupBounds } from "./cgroups.ts";
import type { Check } from "./check.ts";
import { readField } from "./read.ts";

/** Below this a worker of Node and what it starts hardly fit. */
const scantBytes = 500e6;
/** What Docker gives by default; two arrays shared between Python processes fill it. */
const smallSharedBytes = 64 * 2 ** 20;

/** Memory, processors, shared memory and Node. `hasOwnShm`: tasks get a `/dev/shm` of their own. */
export function examineMachine(hasOwnShm: boolean, root = "/"): Check[] {
  const bounds = readCgroupBounds(root);
  return [
    examineMemory(bounds, root),
    examineProcessors(bounds, root),
    examineSharedMemory(hasOwnShm),
    {
      section: "machine",
      name: "node",
      state: "ok",
      detail: `${process.version} (22.18 or newer is needed)`,
      values: { version: process.versions.node },
      advice: [],
    },
  ];
}

function examineMemory({ memory }: CgroupBounds, root: string): Check {
  const total = readKilobytes(root, "MemTotal") ?? totalmem();
  const free = readKilobytes(root, "MemAvailable") ?? freemem();
  const room = memory ? memory.limitBytes - (memory.usedBytes ?? 0) : free;
  const available = Math.max(0, Math.min(free, room));
  const limit = memory
    ? `; the cgroup's limit is ${formatBytes(memory.limitBytes)}, ${formatBytes(memory.usedBytes ?? 0)} used`
    : "";
  const isScant = available < scantBytes;
  return {
    section: "machine",
    name: "memory",
    state: isScant ? "weak" : "ok",
    detail: `${formatBytes(available)} available of ${formatBytes(total)}${limit}`,
    values: {
      availableBytes: available,
      totalBytes: total,
      cgroupLimitBytes: memory?.limitBytes ?? null,
      cgroupUsedBytes: memory?.usedBytes ?? null,
    },
    advice: isScant
      ? [{ text: "Little is free. Give tasks a bound (--memory), and pools fewer workers." }]
      : [],
  };
}

function readKilobytes(root: string, name: string): number | null {
  const field = readField(root, "/proc/meminfo", name);
  return field === null ? null : parseInt(field, 10) * 1024;
}

function examineProcessors({ cpus: quota }: CgroupBounds, root: string): Check {
  const online = cpus().length;
  const list = readField(root, "/proc/self/status", "Cpus_allowed_list");
  const allowed = list === null ? availableParallelism() : countList(list);
  const parts = [`${allowed} of ${online}`];
  if (quota !== null) parts.push(`the cgroup's quota is ${Math.round(quota * 100) / 100}`);
  const tooMany = quota !== null && quota < allowed;
  return {
    section: "machine",
    name: "processors",
    state: "ok",
    detail: parts.join("; "),
    values: { online, allowed, cgroupQuota: quota },
    advice: tooMany
      ? [
          {
            text:
              "Programs that count processors see more than the quota lets them use, and start too " +
              "many threads. Give pools and commands their number.",
          },
        ]
      : [],
  };
}

/** `0-3,8` → 5. */
function countList(list: string): number {
  return list.split(",").reduce((sum, part) => {
    const [first, last = first] = part.split("-");
    return sum + Number(last) - Number(first) + 1;
  }, 0);
}

function examineSharedMemory(hasOwnShm: boolean): Check {
  const check = { section: "machine", name: "/dev/shm" } as const;
  let size: number, used: number;
  try {
    const { bsize, blocks, bfree } = statfsSync("/dev/shm");
    [size, used] = [bsize * blocks, bsize * (blocks - bfree)];
  } catch {
    return { ...check, state: "unknown", detail: "there is none", advice: [] };
  }
  const isSmall = size <= smallSharedBytes && !hasOwnShm;
  return {
    ...check,
    state: isSmall ? "weak" : "ok",
    detail:
      `${formatBytes(used)} used of ${formatBytes(size)}` +
      (hasOwnShm ? "; tasks have one of their own" : ""),
    values: { sizeBytes: size, usedBytes: used },
    advice: isSmall
      ? [
          { text: "Programs that share much memory fail with a bus error. In a container:" },
          { copy: "docker run --shm-size 1g …" },
        ]
      : [],
  };
}
