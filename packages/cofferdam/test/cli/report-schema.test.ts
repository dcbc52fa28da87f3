/** What `cofferdam exec --report` writes, by the schema that is published for it. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv2020, type AnySchemaObject } from "ajv/dist/2020.js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cli, Program, runCli } from "../../../../test/support/program.ts";

const schema = readSchema(import.meta.resolve("cofferdam/schemas/report-1.schema.json"));
/** As it is published, and the same without room for a property that it does not describe. */
const published = compile(schema);
const described = compile(closed(schema));

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "report-"));
  file = join(folder, "report.json");
});

afterEach(() => rmSync(folder, { recursive: true }));

const leaving =
  "import os, subprocess, multiprocessing.shared_memory as m; " +
  "m.SharedMemory(create=True, size=4096); subprocess.Popen(['sleep', '600']); os._exit(0)";
const greedy = "b = bytearray(300_000_000); import time; time.sleep(600)";

describe.each(["", "group"])("a report (COFFERDAM_CONTAINMENT=%s)", (way) => {
  const env = { COFFERDAM_CONTAINMENT: way };

  it.each([
    ["ok", ["true"]],
    ["ok", ["--", "python3", "-c", leaving]],
    ["failed", ["sh", "-c", "exit 3"]],
    ["failed", ["sh", "-c", "kill -KILL $$"]],
    ["failed", ["no-such-command-here"]],
    ["timeout", ["--timeout", "200ms", "--grace", "0", "sh", "-c", "sleep 600 & sleep 600"]],
    ["failed", ["--processes", "2", "sh", "-c", "sleep 600 & sleep 600 & sleep 600 & wait"]],
    ["memory", ["--memory", "100MB", "python3", "-c", greedy]],
  ])("of outcome %s: %j", async (outcome, words) => {
    await runCli(["exec", "--report", file, ...words], { env });
    expectValid(outcome);
  });

  it("of outcome cancelled", async () => {
    const script = "trap '' TERM; trap 'echo once' INT; echo READY; while :; do sleep 0.1; done";
    const args = ["exec", "--report", file, "--", "sh", "-c", script];
    const program = new Program([cli, ...args], { env });
    await program.said(/READY/);
    process.kill(program.pid, "SIGINT");
    await program.said(/once/);
    process.kill(program.pid, "SIGINT");
    await program.finished;
    expectValid("cancelled");
  });
});

describe("the schema", () => {
  const report = {
    schema: 1,
    command: ["true"],
    cwd: "/",
    containment: {
      tree: "namespace",
      ipc: "task",
      proc: "task",
      memory: "polled",
      pids: "polled",
      cgroup: "none",
    },
    outcome: "ok",
    exitCode: 0,
    signal: null,
    startedAt: "2026-11-21T04:05:27.726Z",
    durationMs: 1.5,
    cpuMs: null,
    peakMemoryBytes: { value: 1, method: "sampled" },
    processes: { started: { value: 2, method: "lower-bound" }, killed: 0, left: 0 },
    leaks: [],
    unattributed: [],
    unseen: [],
    stuck: [],
  };

  it("takes a report with a property more, as a later version may write", () => {
    expect(published({ ...report, more: true })).toBe(true);
    expect(described({ ...report, more: true })).toBe(false);
  });

  it.each([
    ["another version", { schema: 2 }],
    ["an outcome that there is not", { outcome: "fine" }],
    ["a figure without its method", { peakMemoryBytes: { value: 1 } }],
    ["half a containment", { containment: { tree: "namespace" } }],
    ["a time without a zone", { startedAt: "2026-11-21 04:05:27" }],
    ["an exit code no process can have", { exitCode: 256 }],
    ["no command", { command: [] }],
    ["a leak of no kind", { leaks: [{ kind: "thread", name: "x", action: "killed" }] }],
    ["a kind of objects that there is not", { unseen: ["thread"] }],
    ["no leaks", { leaks: undefined }],
  ])("refuses %s", (_what, change) => {
    expect(published({ ...report, ...change })).toBe(false);
  });

  it("takes the example in the documentation", () => {
    const page = new URL("../../../../docs/reference/report.md", import.meta.url);
    const example = /```json\n([^]*?)```/.exec(readFileSync(page, "utf8"))?.[1] ?? "";
    expect(described(JSON.parse(example)), JSON.stringify(described.errors)).toBe(true);
  });
});

function expectValid(outcome: string): void {
  const report = readReport();
  expect(report["outcome"]).toBe(outcome);
  expect(published(report), JSON.stringify(published.errors)).toBe(true);
  expect(described(report), JSON.stringify(described.errors)).toBe(true);
}

function readReport(): Record<string, unknown> {
  return JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
}

function readSchema(url: string): AnySchemaObject {
  return JSON.parse(readFileSync(new URL(url), "utf8")) as AnySchemaObject;
}

function compile(wanted: AnySchemaObject): ReturnType<Ajv2020["compile"]> {
  // The one format that the schema names, as RFC 3339 has it in UTC.
  const formats = { "date-time": /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/ };
  return new Ajv2020({ strict: true, allowUnionTypes: true, formats }).compile(wanted);
}

/** The same schema, but nothing may stand in an object that the schema does not describe. */
function closed(from: AnySchemaObject): AnySchemaObject {
  const visit = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(visit);
    if (typeof value !== "object" || value === null) return value;
    const copy = Object.fromEntries(Object.entries(value).map(([key, part]) => [key, visit(part)]));
    const isObjectSchema = "properties" in copy && "type" in copy;
    return isObjectSchema ? { ...copy, additionalProperties: false } : copy;
  };
  return { ...(visit(from) as AnySchemaObject), $id: "urn:cofferdam:report:1:closed" };
}
