import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { CofferdamError, errorMessage } from "cofferdam";
import { parquetMetadata } from "hyparquet";
import { segmentErrorPath, segmentEventPath, type SegmentEvent } from "../segments/events.ts";
import { segmentsRootOf } from "../segments/preprocess.ts";
import { manifestFolder, rejectPath, type RejectRecord, type StageEvent } from "../stage/events.ts";
import { expectedName, type ExpectedFile, type ExpectedLoad } from "./expected.ts";

export interface CheckLoadOptions {
  readonly rawRoot: string;
  readonly stageRoot: string;
  readonly outputRoot: string;
  readonly procedure: string;
}

export interface CheckedLoad {
  readonly checked: {
    readonly files: number;
    readonly rejected: number;
    readonly runs: number;
    readonly segments: number;
  };
  /** One sentence for each file that did not become what it must. */
  readonly differences: readonly string[];
}

/**
 * Compares the events, reject records and Parquet files of both stages with the generator's list.
 * Rejects with `INVALID_ARGUMENT` where there is no such list.
 */
export function checkLoad(options: CheckLoadOptions): Promise<CheckedLoad> {
  const expected = readExpected(options.rawRoot);
  const check = new Check(options);
  for (const file of expected.files) check.file(file);
  check.nothingElse();
  return Promise.resolve({
    checked: {
      files: expected.files.length,
      rejected: check.rejected,
      runs: check.runs,
      segments: check.segments,
    },
    differences: check.differences,
  });
}

class Check {
  rejected = 0;
  runs = 0;
  segments = 0;
  readonly differences: string[] = [];
  readonly #options: CheckLoadOptions;
  readonly #segmentsRoot: string;
  readonly #events: Map<string, StageEvent>;

  constructor(options: CheckLoadOptions) {
    this.#options = options;
    this.#segmentsRoot = segmentsRootOf(options.outputRoot, options.procedure);
    this.#events = readEvents(options.stageRoot);
  }

  file(expected: ExpectedFile): void {
    const source = posix.join(posix.normalize(this.#options.rawRoot), expected.file);
    const event = this.#events.get(source);
    this.#events.delete(source);
    const path = rejectPath(this.#options.stageRoot, source);
    const reject = existsSync(path)
      ? (JSON.parse(readFileSync(path, "utf8")) as RejectRecord)
      : null;
    if (expected.becomes === "rejected") {
      this.#same(expected, "is rejected", reject !== null && event === undefined, true);
      this.rejected++;
      return;
    }
    this.#same(expected, "is rejected", reject !== null, false);
    if (event === undefined) {
      this.#same(expected, "is staged", false, true);
      return;
    }
    this.#same(expected, "rows", event.rows, expected.rows);
    this.#same(expected, "origin of its date", event.date_origin, expected.dateOrigin);
    this.#same(expected, "date", /date=([^/]+)/.exec(event.path)?.[1], expected.date);
    this.#same(expected, "procedure", event.proc, expected.procedure);
    this.#same(expected, "rows in Parquet", rowsOf(event.path), expected.rows);
    if (expected.segments !== undefined && event.proc === this.#options.procedure)
      this.#run(expected, event, expected.segments);
  }

  /** Events of files that nobody generated. */
  nothingElse(): void {
    for (const source of this.#events.keys())
      this.differences.push(`${source}: it is staged and not on the list`);
  }

  #run(expected: ExpectedFile, event: StageEvent, segments: number | string): void {
    this.runs++;
    const root = this.#segmentsRoot;
    if (typeof segments === "string") {
      const isRefused = existsSync(segmentErrorPath(root, event.path));
      this.#same(expected, "is refused by stage 2", isRefused, true);
      return;
    }
    const path = segmentEventPath(root, event.run_id);
    if (!existsSync(path)) {
      this.#same(expected, "segments", 0, segments);
      return;
    }
    const found = JSON.parse(readFileSync(path, "utf8")) as SegmentEvent;
    this.segments += found.segments_written;
    this.#same(expected, "segments", found.segments_written, segments);
    for (const [index, detail] of found.segment_details.entries())
      this.#same(
        expected,
        `points of segment ${index}`,
        rowsOf(found.output_paths[index] ?? ""),
        detail.points,
      );
  }

  #same(expected: ExpectedFile, what: string, found: unknown, wanted: unknown): void {
    if (found === wanted) return;
    const fault = expected.fault === null ? "" : ` (${expected.fault})`;
    this.differences.push(
      `${expected.file}${fault}: ${what}: ${String(found)}, not ${String(wanted)}`,
    );
  }
}

function readExpected(rawRoot: string): ExpectedLoad {
  const path = join(rawRoot, expectedName);
  try {
    return JSON.parse(readFileSync(path, "utf8")) as ExpectedLoad;
  } catch (error) {
    throw new CofferdamError(
      "INVALID_ARGUMENT",
      `${path} cannot be read (${errorMessage(error)}); only a load of \`cofferdam measurements generate\` can be checked`,
    );
  }
}

function readEvents(stageRoot: string): Map<string, StageEvent> {
  const folder = join(stageRoot, manifestFolder, "events");
  if (!existsSync(folder))
    throw new CofferdamError("INVALID_ARGUMENT", `nothing is staged in ${stageRoot}`);
  const events = readdirSync(folder).map(
    (name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as StageEvent,
  );
  return new Map(events.map((event) => [event.source_file, event]));
}

/** Rows by the footer of a Parquet file; -1 where there is no such file. */
function rowsOf(path: string): number {
  try {
    return Number(parquetMetadata(new Uint8Array(readFileSync(path)).buffer).num_rows);
  } catch {
    return -1;
  }
}
