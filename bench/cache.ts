/**
 * Hits a second of a shared cache: four workers of ours, in Node and in Python, beside four processes
 * with Python's Manager().dict() (the design of source document 002), and one process each with SQLite
 * and LMDB directly. By turns, in rounds; the ratios, medians over rounds, are the result.
 *
 *     npm run bench cache [-- --rounds N] [--reads N] [--keys N] [--bytes N] [--workers N] [--json]
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { openScope, type Cache, type Pool, type Scope } from "cofferdam";
import { askPython, findPython } from "../lab/survivors/python.ts";
import type * as Worker from "./cache/worker.ts";
import type { Reads } from "./cache/worker.ts";
import { median } from "./statistics.ts";

interface Load {
  readonly reads: number;
  readonly keys: number;
  readonly bytes: number;
  readonly workers: number;
}

type Way = () => Promise<Reads>;

export async function benchCache(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string", default: "5" },
      reads: { type: "string", default: "20000" },
      keys: { type: "string", default: "2000" },
      bytes: { type: "string", default: "12288" },
      workers: { type: "string", default: "4" },
      json: { type: "boolean", default: false },
    },
  });
  const load = {
    reads: Number(values.reads),
    keys: Number(values.keys),
    bytes: Number(values.bytes),
    workers: Number(values.workers),
  };
  const say = (line: string): void => {
    if (!values.json) console.log(line);
  };
  const folder = mkdtempSync(join(tmpdir(), "bench-cache-"));
  try {
    await using scope = await openScope();
    const cache = scope.cache<Uint8Array>("bench", { folder: join(folder, "cache") });
    await fill(cache, load);
    const module = new URL("./cache/worker.ts", import.meta.url);
    const pool = scope.pool<typeof Worker>(module, { workers: load.workers, threads: 0 });
    say(`${load.keys} values of ${load.bytes} bytes, ${load.reads} reads by each process`);
    const python = openPythonPool(scope, load.workers);
    const ways = await waysOf(pool, python, cache, load, folder);
    const all: Record<string, Reads[]> = {};
    for (let round = 1; round <= Number(values.rounds); round++) {
      for (const [name, way] of Object.entries(ways)) (all[name] ??= []).push(await way());
      const told = Object.entries(all).map(([name, reads]) => {
        const { perSecond = NaN, cpuUs = NaN } = reads.at(-1) ?? {};
        return `${name} ${perSecond.toFixed(0)} (${cpuUs.toFixed(1)} us CPU each)`;
      });
      say(`round ${round}, hits a second: ${told.join(", ")}`);
    }
    const ratios = ratiosOf(all, load.workers);
    if (values.json) console.log(JSON.stringify({ ...load, all, ratios }));
    for (const [name, { rate, cpu }] of Object.entries(ratios))
      say(`${name}: ${rate.toFixed(2)} times the hits a second, ${cpu.toFixed(2)} by CPU time`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Functions of `cache/worker.py`. */
interface PythonWorker {
  read_hits(reads: number, keys: number): Reads;
}

/** Null where there is no Python. */
function openPythonPool(scope: Scope, workers: number): Pool<PythonWorker> | null {
  const interpreter = findPython();
  if (interpreter === null) return null;
  const python = fileURLToPath(new URL("./cache/worker.py", import.meta.url));
  return scope.pool<PythonWorker>({ python, interpreter }, { workers, threads: 0 });
}

async function fill(cache: Cache<Uint8Array>, { keys, bytes }: Load): Promise<void> {
  const value = new Uint8Array(bytes).map((_, index) => index);
  await Promise.all(
    Array.from({ length: keys }, (_, key) => cache.set({ model: "m", text: `text ${key}` }, value)),
  );
}

async function waysOf(
  pool: Pool<typeof Worker>,
  pythonPool: Pool<PythonWorker> | null,
  cache: Cache,
  load: Load,
  folder: string,
): Promise<Record<string, Way>> {
  const { reads, keys, bytes, workers } = load;
  const file = cache.store.file;
  const together = async (run: () => Promise<Reads>): Promise<Reads> => {
    const each = await Promise.all(Array.from({ length: workers }, run));
    return {
      perSecond: each.reduce((sum, { perSecond }) => sum + perSecond, 0),
      cpuUs: each.reduce((sum, { cpuUs }) => sum + cpuUs, 0) / workers,
    };
  };
  const hashes = readHashes(file);
  const numbers = [String(reads), String(keys), String(bytes)];
  const python = findPython();
  const lmdb = python !== null && (await askPython("import lmdb; print(1)")) === "1";
  for (const [missing, name] of [
    [python === null, "Manager().dict(): skipped, because there is no python3"],
    [!lmdb, "LMDB: skipped, because Python has no lmdb (pip install lmdb)"],
  ] as const)
    if (missing) console.error(name);
  return {
    "our workers": () => together(() => pool.run("readHits", reads, keys)),
    "one worker": () => pool.run("readHits", reads, keys),
    ...(pythonPool === null
      ? {}
      : {
          "our Python workers": () => together(() => pythonPool.run("read_hits", reads, keys)),
          "one Python worker": () => pythonPool.run("read_hits", reads, keys),
        }),
    "our workers, asking": () => together(() => pool.run("askHits", Math.ceil(reads / 10), hashes)),
    "SQLite directly": () => Promise.resolve(readSqlite(file, hashes, reads)),
    ...(python === null
      ? {}
      : {
          "Manager().dict()": () =>
            runPython(python, "manager_dict.py", [String(workers), ...numbers]),
        }),
    ...(python === null || !lmdb
      ? {}
      : { LMDB: () => runPython(python, "lmdb_reads.py", [join(folder, "lmdb"), ...numbers]) }),
  };
}

function readHashes(file: string): Uint8Array {
  const database = new DatabaseSync(file, { readOnly: true });
  const rows = database.prepare("SELECT key FROM entries").all();
  database.close();
  return Buffer.concat(rows.map((row) => row["key"] as Uint8Array));
}

/** The same file without us: no canonical key, no checksum, no decoding. */
function readSqlite(file: string, hashes: Uint8Array, reads: number): Reads {
  const database = new DatabaseSync(file, { readOnly: true });
  const get = database.prepare("SELECT value FROM entries WHERE key = ?");
  const keys = Array.from({ length: hashes.length / 32 }, (_, key) =>
    hashes.subarray(key * 32, key * 32 + 32),
  );
  for (const key of keys) get.get(key);
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  for (let read = 0; read < reads; read++)
    if (!get.get(keys[(read * 7919) % keys.length] ?? null)) throw new Error("a value is missing");
  const { user, system } = process.cpuUsage(cpu);
  const perSecond = reads / ((performance.now() - start) / 1000);
  database.close();
  return { perSecond, cpuUs: (user + system) / reads };
}

async function runPython(python: string, program: string, args: string[]): Promise<Reads> {
  const file = fileURLToPath(new URL(`./cache/${program}`, import.meta.url));
  const { stdout } = await promisify(execFile)(python, [file, ...args]);
  const [perSecond = NaN, cpuUs = NaN] = stdout.split(" ").map(Number);
  return { perSecond, cpuUs };
}

interface Ratio {
  readonly rate: number;
  /** How many hits of the first cost the CPU time of one of the second. */
  readonly cpu: number;
}

/** Medians of the rounds' ratios, so that a neighbour's noise does not decide. */
function ratiosOf(all: Readonly<Record<string, Reads[]>>, workers: number): Record<string, Ratio> {
  const ratio = (title: string, of: string, to: string): [string, Ratio][] => {
    const [above, below] = [all[of], all[to]];
    if (!above || !below) return [];
    const medianOf = (of: (above: Reads, below: Reads) => number): number =>
      median(above.flatMap((reads, round) => (below[round] ? [of(reads, below[round])] : [])));
    return [
      [
        title,
        {
          rate: medianOf((a, b) => a.perSecond / b.perSecond),
          cpu: medianOf((a, b) => b.cpuUs / a.cpuUs),
        },
      ],
    ];
  };
  return Object.fromEntries([
    ...ratio(`${workers} workers to Manager().dict()`, "our workers", "Manager().dict()"),
    ...ratio(
      `${workers} Python workers to Manager().dict()`,
      "our Python workers",
      "Manager().dict()",
    ),
    ...ratio("one worker to SQLite directly", "one worker", "SQLite directly"),
    ...ratio("one worker to LMDB", "one worker", "LMDB"),
  ]);
}
