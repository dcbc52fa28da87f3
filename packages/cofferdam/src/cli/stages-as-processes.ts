import { CofferdamError } from "../errors/index.ts";
import { openScope } from "../open-scope.ts";
import { exitCodeOf } from "../scope/index.ts";
import { exitCodes } from "./exit-codes.ts";
import { listenForInterrupts } from "./interrupts.ts";
import type { RunFlags } from "./run-command.ts";

/**
 * Runs the stages one after the other, each by a `cofferdam run` of its own in a containment of its
 * own: whatever a stage has taken is given back before the next begins.
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
  const { loadPipeline, stagesInOrder } = await import("../pipeline/index.ts");
  const loaded = await loadPipeline(file);
  const stages = stagesInOrder(loaded, names, flags.only ?? false);
  using interrupts = listenForInterrupts();
  const scope = await openScope();
  let worst: number = exitCodes.ok;
  try {
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
      const code = exitCodeOf(result);
      if (code !== exitCodes.ok && code !== exitCodes.someFailed) return code;
      worst = Math.max(worst, code);
    }
  } finally {
    await scope.close();
  }
  return worst === exitCodes.someFailed && flags.allowPartial ? exitCodes.ok : worst;
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
