/**
 * Asks real installations of Marker whether they accept what we pass, and what becomes of a document
 * where the models are not at hand. Not a part of `npm test`: it installs torch, some 6 GB for each
 * version.
 *
 *     node --conditions=cofferdam-source apps/documents/test/real-marker/check.ts FOLDER
 *
 * FOLDER keeps the virtual environments for the next time.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { convertDocuments } from "../../src/index.ts";
import { manyCommand, singleCommand } from "../../src/marker/arguments.ts";
import type { Marker } from "../../src/marker/find-marker.ts";
import { makePdf } from "../support/pdf.ts";

const versions = ["1.10.2", "2.0.0"] as const;

const folder = resolve(process.argv[2] ?? "real-marker");
mkdirSync(folder, { recursive: true });
const paper = join(folder, "paper.pdf");
writeFileSync(paper, makePdf(["A page.", "Another page."]));

for (const version of versions) {
  const home = install(version);
  const bin = join(home, "bin");
  checkOptions({
    single: join(bin, "marker_single"),
    many: join(bin, "marker"),
    python: join(bin, "python3"),
    version,
    major: version.startsWith("1") ? 1 : 2,
  });
  await convert(version, bin);
}

function install(version: string): string {
  const home = join(folder, `v${version}`);
  if (!existsSync(join(home, "bin", "marker_single"))) {
    execFileSync("python3", ["-m", "venv", home], { stdio: "inherit" });
    // psutil: 1.10 needs it for folders, and does not name it.
    const packages = ["install", "--quiet", `marker-pdf==${version}`, "psutil"];
    execFileSync(join(home, "bin", "pip"), packages, { stdio: "inherit" });
  }
  return home;
}

/** Each option that we pass stands in the program's own help. */
function checkOptions(marker: Marker): void {
  const call = { output: "out", pages: [1, 2] };
  const commands = [
    singleCommand(marker, paper, call),
    manyCommand(marker, folder, { ...call, workers: 1, documents: 1 }),
  ];
  for (const [program = "", ...words] of commands) {
    const help = execFileSync(program, ["--help"], { encoding: "utf8" });
    const options = words.filter((word) => word.startsWith("--"));
    const unknown = options.filter((option) => !new RegExp(`^ +${option}\\b`, "mu").test(help));
    if (unknown.length > 0) throw new Error(`${program} does not know ${unknown.join(", ")}`);
    process.stdout.write(`${program}: accepts ${options.join(" ")}\n`);
  }
}

/** Converts where the models are at hand, and else says in one sentence that they are not. */
async function convert(version: string, bin: string): Promise<void> {
  const { counts, failures, scope } = await convertDocuments({
    inputs: [paper],
    out: join(folder, `out-${version}`),
    engine: "marker",
    marker: bin,
    device: "cpu",
    force: true,
  });
  const [failure] = failures;
  if (failure && failure.code !== "MARKER_SETUP")
    throw new Error(`${version}: ${failure.code}: ${failure.message}`);
  const what = failure ? `no conversion: ${failure.message}` : `${counts.done} converted`;
  process.stdout.write(`${version}: ${what} (${scope.processes.left} processes left)\n`);
}
