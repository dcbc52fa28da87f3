import { access, constants, stat, writeFile } from "node:fs/promises";
import { dirname, relative, resolve } from "node:path";
import {
  CofferdamError,
  createRenderer,
  errorMessage,
  escapeForTerminal,
  exitCodes,
  listenBesideProgress,
  optionParser,
  parseCount,
  parseDuration,
  parseSize,
  type RendererMode,
} from "cofferdam";
import { Command, Option } from "commander";
import { convertDocuments, type ConvertDocumentsResult } from "./convert-documents.ts";
import { engineNames, type EngineName } from "./engines/engine.ts";
import { parseDevice, type Device } from "./marker/device.ts";
import { formatPageRange, parsePageRange } from "./pages/page-range.ts";
import { summarize } from "./summary.ts";

interface Flags {
  readonly out: string;
  readonly engine: EngineName;
  readonly batch?: number;
  readonly device?: Device;
  readonly marker?: string;
  readonly pageRange?: string;
  readonly chunks?: true;
  readonly workers?: number;
  readonly timeout?: number;
  readonly memory?: number;
  readonly pageMarkers?: true;
  readonly force?: true;
  readonly retryFailed?: true;
  readonly progress: RendererMode;
  readonly report?: string;
}

/** `cofferdam documents`: called by the command line of the `cofferdam` package. */
export function createCommand(): Command {
  return new Command("documents")
    .summary("PDFs to Markdown")
    .description(
      "Converts PDFs to Markdown, in contained processes. Writes DIR/<name>.md.\n" +
        "What has not changed since the last run is skipped; what was found then to\n" +
        "be empty, locked or damaged, or to have no text, is not tried again.\n\n" +
        "Exit codes: 0 all converted or unchanged, 1 usage, 2 nothing converted,\n" +
        "3 some failed, 130 interrupted (143 by TERM, 129 by HUP).",
    )
    .argument("<path...>", "PDF files, and folders to look through")
    .requiredOption("-o, --out <dir>", "folder for the Markdown files; made if it is not there")
    .addOption(
      new Option("-e, --engine <name>", "what reads the PDFs; Marker is a program of its own")
        .choices(engineNames)
        .default("embedded"),
    )
    .option(
      "-w, --workers <n>",
      "documents at once (default: number of CPUs; with Marker 1)",
      optionParser(parseCount),
    )
    .option("--timeout <duration>", "for each document (default: 10m)", optionParser(parseDuration))
    .option(
      "--memory <size>",
      "for each worker (default: 2GB; with Marker 8GB)",
      optionParser(parseSize),
    )
    .option(
      "--page-range <pages>",
      "pages to convert, counted from 1: 1,5-10",
      optionParser((text) => formatPageRange(parsePageRange(text))),
    )
    .option("--page-markers", "mark where each page begins")
    .option("--chunks", "write DIR/<name>.chunks.json, for a search index, too")
    .option("--batch <n>", "Marker: send so many documents through one", optionParser(parseCount))
    .option(
      "--device <device>",
      "Marker: cpu, cuda:N or auto (default: auto)",
      optionParser(parseDevice),
    )
    .option("--marker <dir>", "Marker: the folder of its programs (default: they are on PATH)")
    .option("--retry-failed", "try again what is unchanged and known to fail")
    .option("-f, --force", "convert what is unchanged too, and write over files of others")
    .addOption(
      new Option("--progress <how>", "what to show on standard error")
        .choices(["auto", "tty", "plain", "json", "none"])
        .default("auto"),
    )
    .option("--report <file>", "write a report as JSON")
    .action(async (paths: string[], flags: Flags) => {
      process.exitCode = await run(paths, flags);
    });
}

async function run(paths: readonly string[], flags: Flags): Promise<number> {
  checkMarkerFlags(flags);
  if (flags.report !== undefined) await checkReportPath(flags.report);
  const renderer = createRenderer({ mode: flags.progress });
  using interrupts = listenBesideProgress(renderer, "the workers", say);
  let result: ConvertDocumentsResult;
  try {
    result = await convertDocuments({
      inputs: paths,
      out: flags.out,
      engine: flags.engine,
      ...pick(flags, ["workers", "timeout", "memory", "batch", "device", "marker", "pageRange"]),
      pageMarkers: flags.pageMarkers ?? false,
      chunks: flags.chunks ?? false,
      force: flags.force ?? false,
      retryFailed: flags.retryFailed ?? false,
      onEvent: renderer.listener,
      signal: interrupts.signal,
    });
  } finally {
    renderer.close();
  }
  if (flags.report !== undefined) await writeReport(flags.report, result);
  if (result.counts.total === 0) say(`no PDFs in ${paths.join(", ")}`);
  process.stdout.write(summarize(result, shownFolder(flags.out)));
  if (interrupts.exitCode !== null) return interrupts.exitCode;
  const { done, skipped, failed } = result.counts;
  if (done + skipped === 0) return exitCodes.nothingDone;
  return failed > 0 ? exitCodes.someFailed : exitCodes.ok;
}

/** An option that would do nothing is a misunderstanding. */
function checkMarkerFlags(flags: Flags): void {
  if (flags.engine === "marker") return;
  const name = (["batch", "device", "marker"] as const).find((key) => flags[key] !== undefined);
  if (name !== undefined)
    throw new CofferdamError("INVALID_ARGUMENT", `--${name} is for Marker; add --engine marker`);
}

/** The named properties, of those that are there. */
function pick<Key extends keyof Flags>(flags: Flags, keys: readonly Key[]): Pick<Flags, Key> {
  const there = keys.filter((key) => flags[key] !== undefined);
  return Object.fromEntries(there.map((key) => [key, flags[key]])) as Pick<Flags, Key>;
}

/** As short as it can be said from here. */
function shownFolder(out: string): string {
  const path = relative(process.cwd(), resolve(out));
  return `${path === "" ? "." : path.startsWith("..") ? resolve(out) : path}/`;
}

async function checkReportPath(file: string): Promise<void> {
  const folder = dirname(resolve(file));
  try {
    await access(folder, constants.W_OK);
    const status = await stat(file).catch(() => null);
    if (status?.isDirectory()) throw new Error("it is a folder");
  } catch (error) {
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      `the report cannot be written to ${file}: ${errorMessage(error)}`,
    );
  }
}

async function writeReport(file: string, result: ConvertDocumentsResult): Promise<void> {
  const { counts, copies, failures, interrupted, durationMs, scope } = result;
  const report = {
    schema: 1,
    command: "documents",
    interrupted,
    durationMs,
    counts,
    copies,
    failures,
    scope,
  };
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
}

function say(message: string): void {
  process.stderr.write(`cofferdam documents: ${escapeForTerminal(message)}\n`);
}
