import { Option, type Command } from "commander";
import { CofferdamError } from "../errors/index.ts";
import type { Containment, IpcSharing } from "../keeper/index.ts";
import {
  checkJobs,
  conventionalCodes,
  parseMemory,
  parseTimeout,
  type ExecOptions,
} from "../scope/index.ts";
import { parseDuration } from "../units/index.ts";
import { optionParser, parseCount } from "./options.ts";

/** How a command is contained: the same options wherever a command is run. */
export interface ContainmentFlags {
  readonly timeout?: number;
  readonly grace?: number;
  readonly memory?: number;
  readonly processes?: number;
  readonly threads?: number;
  readonly cpus?: number;
  readonly jobserver?: number | false;
  readonly containment?: readonly string[];
  readonly network: boolean;
  readonly ipc?: IpcSharing;
  readonly cleanEnv?: true;
  readonly envAllow?: readonly string[];
  readonly failOnLeak?: true;
}

/** `sharings`: with whom the command's IPC objects can be shared. */
export function addContainmentOptions(
  command: Command,
  sharings: readonly IpcSharing[] = ["task", "host"],
): Command {
  return command
    .option(
      "--timeout <duration>",
      "deadline for the whole tree, such as 10m",
      optionParser(parseTimeout),
    )
    .option(
      "--grace <duration>",
      "between TERM and KILL (default: 5s)",
      optionParser(parseDuration),
    )
    .option(
      "--memory <size>",
      "bound for the memory of the whole tree, such as 2GB",
      optionParser(parseMemory),
    )
    .option("--processes <n>", "bound for the number of processes", optionParser(parseCount))
    .option("--threads <n>", "threads that libraries are told to use", optionParser(parseCount))
    .option("--cpus <n>", "CPUs that the tree may run on", optionParser(parseCount))
    .option(
      "--jobserver <n>",
      "jobs that all makes may run at once (default: the threads)",
      optionParser(parseJobs),
    )
    .option("--no-jobserver", "no jobserver, although --threads is given")
    .option("--containment <what>", "refuse less, such as namespace,ipc,memory-hard", (text) =>
      text.split(","),
    )
    .option("--no-network", "take the network away, but for loopback")
    .addOption(new Option("--ipc <whose>", "SysV objects and /dev/shm").choices([...sharings]))
    .addOption(new Option("--clean-env", "an empty environment but for PATH").conflicts("envAllow"))
    .option("--env-allow <names>", "only these variables and PATH", (text) => text.split(","))
    .option(
      "--fail-on-leak",
      `exit with ${conventionalCodes.leak} if the command left something behind`,
    );
}

function parseJobs(text: string): number {
  const jobs = parseCount(text);
  checkJobs(jobs);
  return jobs;
}

export function execOptionsOf(flags: ContainmentFlags): ExecOptions {
  return {
    ...(flags.timeout === undefined ? {} : { timeout: flags.timeout }),
    ...(flags.memory === undefined ? {} : { memory: flags.memory }),
    ...(flags.grace === undefined ? {} : { grace: flags.grace }),
    ...boundProcesses(flags),
    ...(flags.containment?.includes("cgroup") ? { cgroup: true } : {}),
    ...(flags.threads === undefined ? {} : { threads: flags.threads }),
    ...(flags.cpus === undefined ? {} : { cpus: flags.cpus }),
    ...(flags.jobserver === undefined ? {} : { jobserver: flags.jobserver }),
    ...(flags.ipc === undefined ? {} : { ipc: flags.ipc }),
    ...(flags.cleanEnv ? { inheritEnv: ["PATH"] } : {}),
    ...(flags.envAllow ? { inheritEnv: ["PATH", ...flags.envAllow] } : {}),
    network: flags.network,
    ...(flags.failOnLeak ? { failOnLeak: true } : {}),
  };
}

/** Who requires the kernel to hold the bound gets one that counts threads too: it knows no other. */
function boundProcesses({ processes, containment }: ContainmentFlags): ExecOptions {
  if (processes === undefined) return {};
  return containment?.includes("pids-hard") ? { pids: processes } : { processes };
}

/** What can be asked for beside a tree, and whether it is there. */
const requirements: Readonly<Record<string, (containment: Containment) => boolean>> = {
  namespace: ({ tree }) => tree === "namespace",
  subreaper: ({ tree }) => tree !== "group",
  group: () => true,
  ipc: ({ ipc }) => ipc === "task",
  proc: ({ proc }) => proc === "task",
  memory: ({ memory }) => memory !== "none",
  "memory-hard": ({ memory }) => memory === "hard",
  "pids-hard": ({ pids }) => pids === "hard",
  cgroup: ({ cgroup }) => cgroup === "task",
};

/** Throws `CONTAINMENT_UNAVAILABLE` for what cannot be had here, and why if that is known. */
export function requireContainment(
  { containment, shortfall }: { readonly containment: Containment; readonly shortfall: string },
  required: readonly string[],
): void {
  const unknown = required.find((name) => !Object.hasOwn(requirements, name));
  if (unknown !== undefined)
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      `--containment knows no ${JSON.stringify(unknown)}; it knows ${Object.keys(requirements).join(", ")}`,
    );
  const missing = required.find((name) => !requirements[name]?.(containment));
  if (missing === undefined) return;
  const why = shortfall === "" ? "" : ` (${shortfall})`;
  throw new CofferdamError(
    "CONTAINMENT_UNAVAILABLE",
    `\`${missing}\` is required and cannot be had here${why}; \`cofferdam doctor\` says why`,
  );
}
