import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { CofferdamError, errorCode, errorMessage } from "cofferdam";
import {
  expectedName,
  summarizeExpected,
  type ExpectedFile,
  type ExpectedLoad,
} from "./expected.ts";
import { applyFault, isRejected, rejections } from "./faults.ts";
import { fileText, type InstrumentFile } from "./instrument-file.ts";
import {
  calibrateLaser,
  measureIt,
  measureItt,
  measureIv,
  measureIvg,
  measureIvgt,
  measureSmallIv,
  measureTt,
  type Circumstances,
} from "./instruments.ts";
import { planLoad, type LoadOptions, type PlannedFile } from "./plan.ts";
import { Random } from "./random.ts";

const instruments: Readonly<Record<string, (circumstances: Circumstances) => InstrumentFile>> = {
  IV: measureIv,
  IVg: measureIvg,
  IVgT: measureIvgt,
  It: measureIt,
  ITt: measureItt,
  Tt: measureTt,
  LaserCalibration: calibrateLaser,
};

/** The least points of a segment, and the voltage, that the list of expectations goes by. */
const minSegmentPoints = 5;

export interface GenerateOptions extends LoadOptions {
  /** Made if it is not there; must be empty. */
  readonly rawRoot: string;
  readonly onFile?: (done: number, total: number) => void;
}

/**
 * Writes a load of instrument files and `expected.json`, the list of what must become of each.
 * Rejects with `INVALID_ARGUMENT` for counts that do not fit each other, and with `OUTPUT` for a
 * folder that cannot be used or holds something already.
 */
export function generateLoad(options: GenerateOptions): ExpectedLoad {
  checkOptions(options);
  openEmptyFolder(options.rawRoot);
  const planned = planLoad(options);
  const folders = new Set<string>();
  const expected: ExpectedFile[] = [];
  for (const plan of planned) {
    const path = join(options.rawRoot, plan.file);
    if (!folders.has(plan.date)) mkdirSync(dirname(path), { recursive: true });
    folders.add(plan.date);
    const { bytes, expectation } = makeFile(plan, options.seed);
    writeFileSync(path, bytes);
    expected.push(expectation);
    options.onFile?.(expected.length, planned.length);
  }
  const load = summarizeExpected(options.seed, expected);
  writeFileSync(join(options.rawRoot, expectedName), `${JSON.stringify(load, null, 1)}\n`);
  return load;
}

/** One file and what must become of it. */
export function makeFile(
  plan: PlannedFile,
  seed: number,
): { bytes: Buffer; expectation: ExpectedFile } {
  const random = new Random(seed, 2, plan.index);
  const circumstances = { startSeconds: plan.startSeconds, random };
  const measure =
    plan.fault === "small-sweep" ? measureSmallIv : (instruments[plan.procedure] ?? measureIt);
  const file = measure(circumstances);
  const { file: name, procedure, fault, date } = plan;
  const { bytes, rows } =
    fault === null
      ? { bytes: Buffer.from(fileText(file)), rows: file.rows.length }
      : applyFault(file, fault, random);
  const common = { file: name, procedure, fault };
  if (fault !== null && isRejected(fault))
    return {
      bytes,
      expectation: { ...common, becomes: "rejected", code: rejections[fault] },
    };
  return {
    bytes,
    expectation: {
      ...common,
      becomes: "staged",
      rows,
      date,
      dateOrigin: fault === "no-start-time" ? "path" : "meta",
      ...(procedure === "IV" ? { segments: expectSegments(plan, file.rows.length, rows) } : {}),
    },
  };
}

/** By the ramp's own shape: 0 → −V → 0 → +V → 0, of which `rows` points were kept. */
function expectSegments({ fault }: PlannedFile, whole: number, rows: number): number | string {
  if (fault === "missing-column") return "NO_COLUMN";
  const points = (whole - 1) / 4;
  const between = (from: number, most: number): number => Math.max(0, Math.min(most, rows - from));
  const lengths = [
    between(0, points + 1),
    between(points + 1, points - 1),
    between(2 * points, points + 1),
    between(3 * points + 1, points - 1),
  ];
  const segments = lengths.filter((length) => length >= minSegmentPoints).length;
  return segments > 0 ? segments : "NO_SEGMENTS";
}

function checkOptions({ files, runs, faulty, seed }: GenerateOptions): void {
  const refuse = (message: string): never => {
    throw new CofferdamError("INVALID_ARGUMENT", message);
  };
  if (!(faulty >= 0 && faulty <= 1))
    refuse(`the share of faulty files is from 0 to 1, not ${faulty}`);
  if (!Number.isSafeInteger(seed) || seed < 0) refuse(`the seed is a whole number, not ${seed}`);
  if (runs + Math.ceil(files * faulty) > files)
    refuse(
      `${runs} runs and ${Math.ceil(files * faulty)} faulty files do not fit into ${files} files`,
    );
}

function openEmptyFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
    if (readdirSync(path).length === 0) return;
  } catch (error) {
    const why = errorCode(error) === "EEXIST" ? "it is a file" : errorMessage(error);
    throw new CofferdamError("OUTPUT", `the folder ${path} cannot be used: ${why}`, {
      cause: error,
    });
  }
  throw new CofferdamError(
    "OUTPUT",
    `${path} is not empty; nothing was written: give the load a folder of its own`,
  );
}
