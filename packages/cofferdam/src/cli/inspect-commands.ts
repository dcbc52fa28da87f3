import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { CofferdamError, errorMessage } from "../errors/index.ts";
import { escapeForTerminal } from "../events/index.ts";
import { openScope } from "../open-scope.ts";
import type { FoundItem, LoadedPipeline, PipelineStatus } from "../pipeline/index.ts";
import { exitCodeOf } from "../scope/index.ts";
import { formatBytes, formatCount, formatDuration } from "../units/index.ts";
import { exitCodes } from "./exit-codes.ts";

const fileOption = ["--file <file>", "the pipeline (default: cofferdam.yaml)"] as const;

export function statusCommand(): Command {
  return new Command("status")
    .summary("say how a pipeline's items stand")
    .argument("[file]", "the pipeline (default: cofferdam.yaml)")
    .option("--json", "one JSON object instead of a table")
    .action(async (file: string | undefined, flags: { json?: true }) => {
      const { loadPipeline, readStatus } = await import("../pipeline/index.ts");
      const status = await readStatus(await loadPipeline(file));
      const text = flags.json
        ? `${JSON.stringify({ schema: 1, ...status }, null, 2)}\n`
        : showStatus(status);
      process.stdout.write(text);
    });
}

export function logCommand(): Command {
  return new Command("log")
    .summary("say what became of an item, and what it wrote when it failed")
    .argument("<item>", "an item, or STAGE:ITEM")
    .option(...fileOption)
    .action(async (name: string, flags: { file?: string }) => {
      const { found } = await findOrRefuse(name, flags.file);
      process.stdout.write(found.map(showItem).join("\n"));
    });
}

export function replayCommand(): Command {
  return new Command("replay")
    .summary("run an item once more, in the foreground")
    .description(
      "Runs an item with the same input, bounds and variables, its output and errors shown as they\n" +
        "come. Writes into .cofferdam/replay, and records nothing.",
    )
    .argument("<item>", "an item, or STAGE:ITEM")
    .option(...fileOption)
    .action(async (name: string, flags: { file?: string }) => {
      const { loaded, found } = await findOrRefuse(name, flags.file);
      const item = found.find(({ failure }) => failure !== null) ?? found[0];
      if (item) process.exitCode = await replay(loaded, item);
    });
}

async function replay(loaded: LoadedPipeline, item: FoundItem): Promise<number> {
  const { replayItem } = await import("../pipeline/index.ts");
  say("replay", `${item.stage}: ${item.row.key}`);
  const scope = await openScope();
  try {
    const { output, missing, result } = await replayItem(loaded, item, scope);
    if (missing.length > 0) say("replay", `not set any more: ${missing.join(", ")}`);
    if (output !== null && existsSync(output)) say("replay", `its output: ${output}`);
    if (result === null) return exitCodes.ok;
    if (result.outcome !== "ok" && "message" in result) say("replay", String(result.message));
    return exitCodeOf(result);
  } catch (error) {
    if (error instanceof CofferdamError && error.code === "INPUT") throw error;
    say("replay", errorMessage(error));
    return exitCodes.nothingDone;
  } finally {
    await scope.close();
  }
}

async function findOrRefuse(
  name: string,
  file: string | undefined,
): Promise<{ loaded: LoadedPipeline; found: FoundItem[] }> {
  const { findItems, loadPipeline } = await import("../pipeline/index.ts");
  const loaded = await loadPipeline(file);
  const found = await findItems(loaded, name);
  if (found.length === 0)
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      `no run has met an item ${JSON.stringify(name)}; give it as the pipeline names it, such as the input's path`,
    );
  return { loaded, found };
}

function showStatus({ stages, lastRun }: PipelineStatus): string {
  const head = ["stage", "items", "done", "failed", "quarantined", "pending"];
  const rows = stages.map(({ stage, discovered, done, failed, quarantined, pending }) => [
    stage,
    ...[discovered, done, failed, quarantined, pending].map((count) => formatCount(count)),
  ]);
  const widths = head.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  ");
  return [line(head), ...rows.map(line), describeLastRun(lastRun), ""].join("\n");
}

function describeLastRun(run: PipelineStatus["lastRun"]): string {
  if (run === null) return "never run";
  const began = new Date(run.startedAtMs).toISOString();
  if (run.endedAtMs === null) return `last run: since ${began}; it goes on, or was killed`;
  return `last run: ${began}, ${formatDuration(run.endedAtMs - run.startedAtMs)}, ${run.outcome ?? ""}`;
}

function showItem({ stage, row, state, failure }: FoundItem): string {
  const lines = [`${stage}: ${row.key}`, `  ${state}${row.output ? ` → ${row.output}` : ""}`];
  if (failure?.attempts === 0 && state === "failed") lines.push(`  refused: ${failure.message}`);
  else if (failure && state !== "done") {
    const peak = failure.peakMemoryBytes ? `, peak ${formatBytes(failure.peakMemoryBytes)}` : "";
    lines.push(
      `  ${failure.code} (${failure.cause}) after ${failure.attempts} ${failure.attempts === 1 ? "try" : "tries"}, ${formatDuration(failure.durationMs)}${peak}, ${failure.at}`,
      `  ${failure.message.split("\n").join("\n  ")}`,
    );
    if (failure.command) lines.push(`  command: ${JSON.stringify(failure.command)}`);
    if (failure.folder !== null) {
      lines.push(`  folder: ${failure.folder}`);
      const file = join(failure.folder, "stderr.txt");
      const stderr = existsSync(file) ? readFileSync(file, "utf8").trimEnd() : "";
      if (stderr !== "")
        lines.push("  stderr:", ...stderr.split("\n").map((line) => `    ${line}`));
    }
  }
  return lines.map((line) => `${escapeForTerminal(line)}\n`).join("");
}

function say(command: string, message: string): void {
  process.stderr.write(`cofferdam ${command}: ${escapeForTerminal(message)}\n`);
}
