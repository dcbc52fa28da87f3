import { CofferdamError } from "../errors/index.ts";
import type { ItemCounts } from "../events/index.ts";
import { openScope } from "../open-scope.ts";
import type { PipelineStatus } from "../pipeline/index.ts";
import { exitCodeOf as exitCodeOfCommand } from "../scope/index.ts";
import { exitCodeOf, exitCodes } from "./exit-codes.ts";
import { listenForInterrupts } from "./interrupts.ts";
import type { RunFlags } from "./run-command.ts";

/**
 * Runs the stages one after the other, each by a `cofferdam run` of its own in a containment of its
 * own: whatever a stage has taken is given back before the next begins. The exit code is that of one
 * run of all.
 */
export async function runStagesAsProcesses(
  file: string | undefined,
  names: readonly string[],
  flags: RunFlags,
): Promise<number> {
  if (flags.dryRun ?? flags.why ?? flags.report ?? flags.joblog)
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      "--stages-as-processes runs each stage by itself; --dry-run, --why, --report and --joblog are for a run of all",
    );
  const { loadPipeline, readStatus, stagesInOrder } = await import("../pipeline/index.ts");
  const loaded = await loadPipeline(file);
  const stages = stagesInOrder(loaded, names, flags.only ?? false);
  using interrupts = listenForInterrupts();
  await using scope = await openScope();
  let status = await readStatus(loaded);
  for (const stage of stages) {
    const result = await scope.exec(
      [
        process.execPath,
        ...process.execArgv,
        process.argv[1] ?? "",
        ...wordsFor(loaded.file, stage, flags),
      ],
      {
        ...{ stdout: "inherit", stderr: "inherit", reject: false, grace: "30s" },
        signal: interrupts.signal,
      },
    );
    if (interrupts.exitCode !== null) return interrupts.exitCode;
    const code = exitCodeOfCommand(result);
    if (!codesOfRuns.includes(code)) return code;
    const before = status;
    status = await readStatus(loaded);
    // All of this stage's items may have failed: that does not stop a run of all either.
    if (code === exitCodes.nothingDone && !cameToItsEnd(before, status)) return code;
  }
  return exitCodeOf(sumUp(status, stages), flags.allowPartial ?? false);
}

/** Of a run that has begun, and was not interrupted. */
const codesOfRuns: readonly number[] = [exitCodes.ok, exitCodes.nothingDone, exitCodes.someFailed];

/** Whether there was another run, and nothing stopped it. */
function cameToItsEnd({ lastRun: before }: PipelineStatus, { lastRun }: PipelineStatus): boolean {
  return lastRun?.startedAtMs !== before?.startedAtMs && lastRun?.outcome === "ended";
}

function sumUp(status: PipelineStatus, names: readonly string[]): ItemCounts {
  const stages = status.stages.filter(({ stage }) => names.includes(stage));
  const sum = (of: (stage: PipelineStatus["stages"][number]) => number): number =>
    stages.reduce((total, stage) => total + of(stage), 0);
  return {
    total: sum(({ discovered }) => discovered),
    done: sum(({ done }) => done),
    skipped: 0, // they are done
    failed: sum(({ failed }) => failed),
    quarantined: sum(({ quarantined }) => quarantined),
    pending: sum(({ pending }) => pending),
  };
}

function wordsFor(file: string, stage: string, flags: RunFlags): string[] {
  return [
    ...["run", file, stage, "--only", "--progress", flags.progress],
    ...(flags.force ? ["--force"] : []),
    ...(flags.retryFailed ? ["--retry-failed"] : []),
    ...(flags.keepGoing ? ["--keep-going"] : []),
    ...(flags.stop ? ["--stop"] : []),
    ...(flags.maxFailed === undefined ? [] : ["--max-failed", String(flags.maxFailed)]),
    ...(flags.workers === undefined ? [] : ["--workers", String(flags.workers)]),
  ];
}
