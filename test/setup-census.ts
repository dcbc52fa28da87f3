/**
 * After every test, in every file: the independent census. A test that leaves a process, an object
 * of shared memory, a scratch folder or a descriptor fails, whatever it asserted.
 */
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect } from "vitest";
import {
  COOKIE_VARIABLE,
  openCensus,
  openDescriptors,
  runFolder,
  type Census,
} from "../lab/census/index.ts";

/** Generous: what is still going away is no leak, and other work may have the machine. */
const deadlineMs = 30_000;
/** Node opens some for itself when something is used first (the thread pool's event descriptor). */
const ownDescriptors = 8;

// Each file has its own place for temporary files, so that files that run at once do not see each
// other's runs, and a cookie that everything it starts inherits.
const tmp = mkdtempSync(join(tmpdir(), "cd-"));
process.env["TMPDIR"] = tmp;
const cookie = randomUUID();
process.env[COOKIE_VARIABLE] = cookie;

let census: Census;
let descriptors: number | null;

beforeEach(() => {
  census = openCensus({ cookie, scratch: [runFolder(tmp)] });
  descriptors = openDescriptors(process.pid);
});

afterEach(async () => {
  const { left, count } = await census.waitUntilEmpty(deadlineMs);
  expect(left, "the census finds what the test left").toMatchObject({
    processes: [],
    sharedMemory: [],
    scratch: [],
    cgroups: [],
  });
  expect(count - left.sysv.length).toBe(0);
  const now = openDescriptors(process.pid);
  if (now !== null && descriptors !== null)
    expect(now, "descriptors that the test left open").toBeLessThan(descriptors + ownDescriptors);
});

afterAll(() => rmSync(tmp, { recursive: true, force: true, maxRetries: 5 }));
