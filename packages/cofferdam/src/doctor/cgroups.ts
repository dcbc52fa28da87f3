import { join } from "node:path";
import { readField, readMounts, readNumber, readText, type Mount } from "./read.ts";

/** What the cgroups that this process is in let it have. Null: no bound, or none that can be seen. */
export interface CgroupBounds {
  readonly memory: { readonly limitBytes: number; readonly usedBytes: number | null } | null;
  /** Processors' worth of time, such as 1.5. */
  readonly cpus: number | null;
  readonly processes: { readonly limit: number; readonly used: number | null } | null;
}

/** What v1 says instead of "no limit" is the largest number of pages, times the page size. */
const hugeBytes = 2 ** 60;

/** Reads the bounds of this process's cgroup and of those above it; the tightest counts. */
export function readCgroupBounds(root = "/"): CgroupBounds {
  return {
    memory: tightest(
      foldersOf(root, "memory").flatMap(({ path, version }) => {
        const limitBytes = readNumber(
          root,
          join(path, version === 2 ? "memory.max" : "memory.limit_in_bytes"),
        );
        if (limitBytes === null || limitBytes >= hugeBytes) return [];
        return [{ limit: limitBytes, limitBytes, usedBytes: usedMemory(root, path, version) }];
      }),
    ),
    cpus:
      tightest(
        foldersOf(root, "cpu").flatMap(({ path, version }) => {
          const limit = version === 2 ? quotaOfV2(root, path) : quotaOfV1(root, path);
          return limit === null ? [] : [{ limit }];
        }),
      )?.limit ?? null,
    processes: tightest(
      foldersOf(root, "pids").flatMap(({ path }) => {
        const limit = readNumber(root, join(path, "pids.max"));
        if (limit === null) return [];
        return [{ limit, used: readNumber(root, join(path, "pids.current")) }];
      }),
    ),
  };
}

/** Whether a controller belongs to a cgroup v1 hierarchy, and so cannot be had in v2. */
export function isControllerOfV1(root: string, controller: string): boolean {
  return readMounts(root).some((mount) => isV1(mount, controller));
}

function tightest<Bound extends { limit: number }>(bounds: readonly Bound[]): Bound | null {
  return bounds.reduce<Bound | null>(
    (least, bound) => (least === null || bound.limit < least.limit ? bound : least),
    null,
  );
}

/** The folders of this process's cgroup for a controller: its own, and those above it. */
function foldersOf(root: string, controller: string): { path: string; version: 1 | 2 }[] {
  const mounts = readMounts(root);
  const lines = (readText(root, "/proc/self/cgroup") ?? "").split("\n");
  return lines.flatMap((line) => {
    const [, names = "", ...rest] = line.split(":");
    const path = rest.join(":");
    const version = line.startsWith("0::") ? 2 : 1;
    if (version === 1 && !names.split(",").includes(controller)) return [];
    const mount = mounts.find((mount) =>
      version === 2 ? mount.type === "cgroup2" : isV1(mount, controller),
    );
    return mount ? climb(mount, path).map((path) => ({ path, version })) : [];
  });
}

function isV1({ type, options }: Mount, controller: string): boolean {
  return type === "cgroup" && options.includes(controller);
}

/** In a container only a part of the hierarchy is mounted, and ours may lie outside of it. */
function climb({ root, point }: Mount, path: string): string[] {
  const below = path === root || path.startsWith(root === "/" ? "/" : `${root}/`);
  const relative = below && !path.includes("..") ? path.slice(root === "/" ? 0 : root.length) : "";
  const parts = relative.split("/").filter((part) => part !== "");
  return [...parts.keys(), parts.length].map((depth) => join(point, ...parts.slice(0, depth)));
}

/** Without what the kernel would give back at once: file pages that nobody has used lately. */
function usedMemory(root: string, path: string, version: 1 | 2): number | null {
  const [usage, inactive] =
    version === 2
      ? ["memory.current", "inactive_file"]
      : ["memory.usage_in_bytes", "total_inactive_file"];
  const used = readNumber(root, join(path, usage));
  if (used === null) return null;
  return Math.max(0, used - Number(readField(root, join(path, "memory.stat"), inactive) ?? 0));
}

function quotaOfV2(root: string, path: string): number | null {
  const [quota, period] = (readText(root, join(path, "cpu.max")) ?? "max").trim().split(" ");
  return quota === "max" ? null : Number(quota) / Number(period ?? 100_000);
}

function quotaOfV1(root: string, path: string): number | null {
  const quota = readNumber(root, join(path, "cpu.cfs_quota_us"));
  const period = readNumber(root, join(path, "cpu.cfs_period_us"));
  return quota === null || quota <= 0 || !period ? null : quota / period;
}
