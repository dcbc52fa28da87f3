import { resolve } from "node:path";
import type { Writable } from "node:stream";
import { monotonicMs } from "../clock.ts";
import { CofferdamError, errorCode, errorMessage } from "../errors/index.ts";
import type { ContainedProcess, IpcSharing } from "../keeper/index.ts";
import { parseDuration, parseSize, type Duration, type Size } from "../units/index.ts";
import { threadCaps } from "../budget/thread-caps.ts";
import { checkCount, defaultGraceMs, parseMemory, parseTimeout, refuseAborted } from "./bounds.ts";
import { taskEnvironment } from "./environment.ts";
import { jobsOf, type Jobserver } from "./jobserver.ts";
import { leakLine } from "./leak-line.ts";
import { Output } from "./output.ts";
import type { ScopeCore } from "./scope-core.ts";
import { checkIpc, withIpc } from "./shared-ipc.ts";
import { explainEnd, outcomeOf, TaskError, type TaskResult } from "./task-result.ts";

export interface ExecOptions {
  readonly cwd?: string;
  /** Added to this process's environment; a value of `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What of this process's environment the command gets: all (the default), none, or these. */
  readonly inheritEnv?: boolean | readonly string[];
  /** Deadline for the whole tree: `"10m"`, or milliseconds. None by default. */
  readonly timeout?: Duration;
  /** Between TERM and KILL. Default 5 s. */
  readonly grace?: Duration;
  /** Bound for the memory of the whole tree: `"2 GB"`, or bytes. None by default. */
  readonly memory?: Size;
  /** Bound for the number of processes in the tree. None by default. */
  readonly processes?: number;
  /**
   * Bound for processes and threads of the tree together, held by the kernel: what is beyond it is
   * refused to the command (`EAGAIN`). Where `containment.pids` is not `hard` it is refused.
   */
  readonly pids?: number;
  /** `true` takes a cgroup of the task's own also where a namespace holds it already. */
  readonly cgroup?: boolean;
  /** How many CPUs the tree may run on, by affinity. All by default. */
  readonly cpus?: number;
  /** How many threads libraries are told to use (`OMP_NUM_THREADS` and its like). */
  readonly threads?: number;
  readonly jobserver?: Jobserver;
  /** Bound for open files, of each process. */
  readonly openFiles?: number;
  /** Bound for the size of core files: `"0"` for none. */
  readonly coreSize?: Size;
  /** `false` takes the network away, but for loopback. Needs `namespace`. */
  readonly network?: boolean;
  /**
   * With whom SysV objects, message queues and `/dev/shm` are shared: with nobody (`task`), with the
   * tasks of the scope that say the same (`scope`; what they leave the scope's report names), or with
   * the host. Default `task`, where it can be had.
   */
  readonly ipc?: IpcSharing;
  /** Where the command reads from: nothing by default, or this process's own standard input. */
  readonly stdin?: "ignore" | "inherit";
  /** What the command reads, through a pipe; in place of `stdin`. */
  readonly input?: string | Uint8Array;
  readonly stdout?: "capture" | "inherit" | "ignore";
  readonly stderr?: "capture" | "inherit" | "ignore";
  /** How much of each output stream is kept; beyond it the oldest goes. Default 64 MiB. */
  readonly maxOutput?: Size;
  /** With `latin1` each character of what is captured is one byte, whatever it meant. */
  readonly encoding?: "utf8" | "latin1";
  /** Aborting it ends the tree, with the grace. */
  readonly signal?: AbortSignal;
  /** Rejects with `LEAK` when the command left processes or objects behind. */
  readonly failOnLeak?: boolean;
  /** With `false` a failure is a result too, and nothing but a wrong call rejects. */
  readonly reject?: boolean;
  /** Receives what is captured, as it comes. */
  readonly onOutput?: (stream: "stdout" | "stderr", chunk: Buffer) => void;
  /** Called once the command runs, with what can be done to it meanwhile. */
  readonly onStart?: (running: RunningCommand) => void;
}

/** A command that runs: for handing it signals. */
export type RunningCommand = Pick<ContainedProcess, "pid" | "scratch" | "signal" | "stop">;

const defaultMaxOutputBytes = 64 * 1024 * 1024;

const stdinModes = { inherit: "inherit", ignore: "null" } as const;
const outputModes = { capture: "pipe", inherit: "inherit", ignore: "null" } as const;

/** Runs a command in the scope and resolves when its whole tree is gone. */
export async function execIn(
  scope: ScopeCore,
  command: readonly string[],
  options: ExecOptions,
): Promise<TaskResult> {
  checkCommand(command);
  refuseAborted(options.signal);
  const cwd = resolve(options.cwd ?? ownDirectory());
  const graceMs = parseDuration(options.grace ?? defaultGraceMs);
  const maxBytes = parseSize(options.maxOutput ?? defaultMaxOutputBytes);
  const bounds = {
    ...(options.timeout === undefined ? {} : { timeoutMs: parseTimeout(options.timeout) }),
    ...(options.memory === undefined ? {} : { memoryBytes: parseMemory(options.memory) }),
    ...(options.processes === undefined
      ? {}
      : { processesMax: checkCount(options.processes, "processes") }),
    ...(options.pids === undefined ? {} : { pids: checkCount(options.pids, "pids") }),
  };
  if (options.network === false && scope.containment.tree !== "namespace")
    throw new CofferdamError(
      "CONTAINMENT_UNAVAILABLE",
      `the network can be taken away in a namespace only, and here is \`${scope.containment.tree}\`: ${scope.shortfall}`,
    );
  checkIpc(options.ipc, scope);
  if (options.pids !== undefined && scope.containment.pids !== "hard")
    throw new CofferdamError(
      "CONTAINMENT_UNAVAILABLE",
      "a bound on pids needs the pids controller of cgroup v2, and here it cannot be had; `cofferdam doctor` says why, and `processes` is a bound that is looked at",
    );
  if (options.cgroup === true && scope.containment.cgroup !== "task")
    throw new CofferdamError(
      "CONTAINMENT_UNAVAILABLE",
      "no cgroup of its own can be had for a task here; `cofferdam doctor` says why",
    );
  const threads =
    options.threads === undefined ? {} : threadCaps(checkCount(options.threads, "threads"));
  const env = taskEnvironment({ ...threads, ...options.env }, options.inheritEnv);
  const startedAt = new Date();
  const since = monotonicMs();
  const contained = await scope.launch({
    command,
    cwd,
    env,
    ...(options.cpus === undefined ? {} : { cpus: checkCount(options.cpus, "cpus") }),
    ...(options.openFiles === undefined
      ? {}
      : { openFiles: checkCount(options.openFiles, "openFiles") }),
    ...(options.coreSize === undefined ? {} : { coreBytes: parseSize(options.coreSize) }),
    ...jobsOf(scope, options.jobserver, options.threads, env),
    ...(options.network === false ? { noNetwork: true } : {}),
    ...(options.ipc === undefined ? {} : { ipc: options.ipc }),
    ...(options.cgroup === true ? { cgroup: true } : {}),
    stdio: [
      options.input === undefined ? stdinModes[options.stdin ?? "ignore"] : "pipe",
      outputModes[options.stdout ?? "capture"],
      outputModes[options.stderr ?? "capture"],
    ],
    graceMs,
    ...bounds,
    channel: false,
  });
  const stop = (): void => contained.stop(graceMs);
  const signals = [options.signal, scope.signal].filter((signal) => signal !== undefined);
  for (const signal of signals) {
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
  }
  const part = options.stdin === "inherit" ? stopTogether(contained) : undefined;
  feed(contained.stdin, options.input);
  const stdout = new Output(contained.stdout, maxBytes);
  const stderr = new Output(contained.stderr, maxBytes);
  const { onOutput } = options;
  if (onOutput) {
    contained.stdout?.on("data", (chunk: Buffer) => onOutput("stdout", chunk));
    contained.stderr?.on("data", (chunk: Buffer) => onOutput("stderr", chunk));
  }
  options.onStart?.(contained);
  const end = await contained.ended;
  part?.();
  for (const signal of signals) signal.removeEventListener("abort", stop);
  contained.stdin?.destroy();
  await Promise.all([stdout.drain(), stderr.drain()]);

  const encoding = options.encoding ?? "utf8";
  const result: TaskResult = {
    command,
    cwd,
    outcome: outcomeOf(end),
    exitCode: end.exitCode,
    signal: end.signal,
    startFailure: end.startFailure ?? null,
    stdout: stdout.text(encoding),
    stderr: stderr.text(encoding),
    truncated: stdout.truncated || stderr.truncated,
    startedAt,
    durationMs: monotonicMs() - since,
    cpuMs: end.cpuMs,
    peakMemoryBytes: end.peakMemoryBytes,
    processes: { started: end.started, killed: end.killed, left: end.left },
    leaks: end.leaks,
    unattributed: end.unattributed,
    unseen: end.unseen,
    stuck: end.stuck,
    containment: withIpc(scope.containment, options.ipc),
  };
  const failure = explainEnd(command, end, bounds) ?? leakFailure(result, options);
  if (failure === null) return result;
  const error = new TaskError(failure.code, withTail(failure.message, stderr.text("utf8")), result);
  if (options.reject === false) return error;
  throw error;
}

/**
 * Job control: a command with our terminal's input is in its foreground, where Ctrl-Z stops the
 * command and not us. Then we stop too, so that the shell is back, and go on together (`fg`). Returns
 * the undoing.
 */
function stopTogether(command: ContainedProcess): () => void {
  const onContinue = (): void => command.resume();
  command.onStopped(() => process.kill(process.pid, "SIGSTOP"));
  process.on("SIGCONT", onContinue);
  return () => process.off("SIGCONT", onContinue);
}

function ownDirectory(): string {
  try {
    return process.cwd();
  } catch (error) {
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      `the working directory has been removed (${errorCode(error) ?? errorMessage(error)}), so nothing was run; go to one that is there, or name one`,
    );
  }
}

function leakFailure(
  result: TaskResult,
  options: ExecOptions,
): { code: "LEAK"; message: string } | null {
  if (!options.failOnLeak || result.leaks.length === 0) return null;
  const names = result.leaks.map(leakLine).join("; ");
  return { code: "LEAK", message: `the command left behind: ${names}` };
}

function checkCommand(command: readonly string[]): void {
  if (command.length === 0 || command[0] === "")
    throw new CofferdamError("INVALID_ARGUMENT", "no command was given");
  const broken = command.findIndex((word) => typeof word !== "string" || word.includes("\0"));
  if (broken >= 0)
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      `word ${broken} of the command is not a string without NUL characters`,
    );
}

function feed(stream: Writable | null, input: ExecOptions["input"]): void {
  if (!stream) return;
  stream.on("error", () => undefined); // the command may close its end before it has read all
  stream.end(input);
}

/** The last lines of what a failed command said, for the message. */
function withTail(message: string, stderr: string): string {
  const lines = stderr.trim().split("\n").slice(-3).join("\n").slice(-500);
  return lines === "" ? message : `${message}\n${lines}`;
}
