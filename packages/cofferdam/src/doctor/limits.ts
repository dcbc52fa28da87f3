import { formatBytes, formatCount } from "../units/index.ts";
import { readCgroupBounds } from "./cgroups.ts";
import type { Check } from "./check.ts";
import { readMounts, readNumber, readText } from "./read.ts";

/** From this share on a limit is close. */
const closeShare = 0.8;
/** Fewer open files than this are too few for a pool of some workers. */
const fewFiles = 1024;

/** Limits on System V objects, processes and open files. Empty where there is no `/proc`. */
export function examineLimits(hasOwnIpc: boolean, root = "/"): Check[] {
  if (readText(root, "/proc/self/limits") === null) return [];
  return [
    ...examineSysv(hasOwnIpc, root),
    ...examineQueues(hasOwnIpc, root),
    examineProcesses(root),
    examineFiles(root),
  ];
}

function examineSysv(hasOwnIpc: boolean, root: string): Check[] {
  const kernel = (name: string): number | null => readNumber(root, `/proc/sys/kernel/${name}`);
  // SEMMSL, SEMMNS, SEMOPM, SEMMNI: see proc(5).
  const sem = (readText(root, "/proc/sys/kernel/sem") ?? "").trim().split(/\s+/).map(Number);
  const [perSet = null, semaphores = null, , sets = null] = sem[0] ? sem : [];
  const largestBytes = kernel("shmmax");
  const pages = kernel("shmall");
  return [
    examineKind("sysv-semaphores", "sets", countObjects(root, "sem"), sets, hasOwnIpc, {
      perSet,
      semaphores,
    }),
    examineKind("sysv-shm", "segments", countObjects(root, "shm"), kernel("shmmni"), hasOwnIpc, {
      largestBytes,
      pages,
    }),
    examineKind(
      "sysv-queues",
      "queues",
      countObjects(root, "msg"),
      kernel("msgmni"),
      hasOwnIpc,
      {},
    ),
  ];
}

function examineKind(
  name: string,
  noun: string,
  used: number | null,
  limit: number | null,
  hasOwnIpc: boolean,
  more: Readonly<Record<string, number | null>>,
): Check {
  const check = { section: "limits", name, values: { used, limit, ...more } } as const;
  if (limit === null) return { ...check, state: "unknown", detail: "cannot be read", advice: [] };
  const isClose = used !== null && used >= limit * closeShare && !hasOwnIpc;
  const largest = more["largestBytes"];
  // The kernel's default is all of the address space.
  const bound =
    typeof largest === "number" && largest < 2 ** 60 ? `, ${formatBytes(largest)} each` : "";
  return {
    ...check,
    state: isClose ? "weak" : "ok",
    detail: `${used === null ? "?" : formatCount(used)} of ${formatCount(limit)} ${noun}${bound}`,
    advice: isClose
      ? [
          { text: "Nearly all are in use: what is left over from programs that are gone shows in" },
          { copy: "ipcs -p" },
        ]
      : [],
  };
}

/** `/proc/sysvipc` has a line for each, after one of headings. */
function countObjects(root: string, kind: string): number | null {
  const text = readText(root, `/proc/sysvipc/${kind}`);
  return text === null ? null : Math.max(0, text.trimEnd().split("\n").length - 1);
}

/** POSIX message queues. None where the kernel has no such thing. */
function examineQueues(hasOwnIpc: boolean, root: string): Check[] {
  const limit = readNumber(root, "/proc/sys/fs/mqueue/queues_max");
  if (limit === null) return [];
  const folder = readMounts(root).find(({ type }) => type === "mqueue")?.point;
  const isUnseen = folder === undefined && !hasOwnIpc;
  return [
    {
      section: "limits",
      name: "message-queues",
      state: isUnseen ? "weak" : "ok",
      detail:
        `${formatCount(limit)} queues at most, ` +
        (folder === undefined ? "no file system shows them" : `shown in ${folder}`),
      values: { limit, folder: folder ?? null },
      advice: isUnseen
        ? [
            {
              text: "What a task leaves of them is seen only by a keeper that may mount. As root, to show them:",
            },
            { copy: "mkdir -p /dev/mqueue && mount -t mqueue none /dev/mqueue" },
          ]
        : [],
    },
  ];
}

function examineProcesses(root: string): Check {
  const pidMax = readNumber(root, "/proc/sys/kernel/pid_max");
  const ofUser = readLimit(root, "Max processes").soft;
  const bound = readCgroupBounds(root).processes;
  const isClose = bound?.used != null && bound.used >= bound.limit * closeShare;
  const parts = [
    pidMax === null ? null : `pid_max ${formatCount(pidMax)}`,
    `RLIMIT_NPROC ${ofUser === null ? "none" : formatCount(ofUser)}`,
    bound && `cgroup ${formatCount(bound.used ?? 0)} of ${formatCount(bound.limit)}`,
  ];
  return {
    section: "limits",
    name: "processes",
    state: isClose ? "weak" : "ok",
    detail: parts.filter((part) => part !== null).join(", "),
    values: {
      pidMax,
      rlimitNproc: ofUser,
      cgroupLimit: bound?.limit ?? null,
      cgroupUsed: bound?.used ?? null,
    },
    advice: isClose
      ? [{ text: "The cgroup has little room for more processes; starts may fail with EAGAIN." }]
      : [],
  };
}

function examineFiles(root: string): Check {
  const { soft, hard } = readLimit(root, "Max open files");
  const isLow = soft !== null && soft < fewFiles;
  const show = (limit: number | null): string => (limit === null ? "none" : formatCount(limit));
  return {
    section: "limits",
    name: "open-files",
    state: isLow ? "weak" : "ok",
    detail: `RLIMIT_NOFILE ${show(soft)}` + (soft === hard ? "" : `, at most ${show(hard)}`),
    values: { soft, hard },
    advice: isLow
      ? [
          { text: "Each worker needs some. Raise it in the shell that starts the run:" },
          { copy: "ulimit -n 4096" },
        ]
      : [],
  };
}

/** Null: unlimited, or not known. */
function readLimit(root: string, name: string): { soft: number | null; hard: number | null } {
  const lines = (readText(root, "/proc/self/limits") ?? "").split("\n");
  const line = lines.find((line) => line.startsWith(name)) ?? "";
  const [soft, hard] = line.slice(name.length).trim().split(/\s+/);
  const read = (text: string | undefined): number | null =>
    text === undefined || !/^\d+$/.test(text) ? null : Number(text);
  return { soft: read(soft), hard: read(hard) };
}
