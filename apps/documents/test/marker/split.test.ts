import { describe, expect, it } from "vitest";
import { parseDevice } from "../../src/marker/device.ts";
import { splitUnfinished } from "../../src/marker/split.ts";
import {
  GivenUp,
  findAbnormalDeath,
  findReason,
  findSetupProblem,
} from "../../src/marker/symptoms.ts";

describe("what a dead batch left undone", () => {
  it.each([
    [[], [1, 2, 3], [[1, 2], [3]]],
    [
      [1, 2, 3, 4],
      [],
      [
        [1, 2],
        [3, 4],
      ],
    ],
    [[1], [2, 3, 4], [[2, 3, 4], [1]]],
    [
      [1, 2],
      [3, 4],
      [[3, 4], [1], [2]],
    ],
    [[1], [], [[1]]],
  ])("at work %j, not begun %j", (suspects, others, groups) => {
    expect(splitUnfinished(suspects, others)).toEqual(groups);
  });

  it("comes down to the culprit in a bounded number of rounds, wherever it is", () => {
    for (let culprit = 0; culprit < 64; culprit++) {
      const groups: (readonly number[])[] = [Array.from({ length: 64 }, (_, index) => index)];
      let rounds = 0;
      for (let group = groups.shift(); group; group = groups.shift()) {
        rounds += 1;
        if (group.length > 1 && group.includes(culprit)) groups.push(...splitUnfinished([], group));
      }
      expect(rounds).toBe(13); // 6 halvings, and the good half of each, and the culprit alone
    }
  });
});

describe("what Marker says", () => {
  const warning = (count: number): string =>
    `/usr/lib/python3.12/multiprocessing/resource_tracker.py:254: UserWarning: resource_tracker: There appear to be ${count} leaked semaphore objects to clean up at shutdown\n`;

  it("of semaphores is the sign of a death", () => {
    expect(findAbnormalDeath(warning(1))).toMatch(/ended abnormally while it held 1 semaphore/);
    expect(findAbnormalDeath(warning(6))).toMatch(/6 semaphore\(s\), as a pool of workers holds/);
    expect(findAbnormalDeath("all is well")).toBeNull();
  });

  it.each([
    ["ModuleNotFoundError: No module named 'psutil'", /lacks the Python module psutil/],
    [
      "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='models.datalab.to', port=443): Max retries exceeded with url: /layout/manifest.json",
      /could not be fetched from models\.datalab\.to/,
    ],
    ["surya.inference.backends.spawn.SpawnError: llama-server binary not found.", /llama\.cpp/],
    ["AssertionError: Torch not compiled with CUDA enabled", /no such GPU/],
  ])("of its installation: %s", (line, sentence) => {
    expect(findSetupProblem(`Traceback (most recent call last):\n${line}\n`)).toMatch(sentence);
  });

  it("of one of several attempts to fetch its models is not the last word", () => {
    const attempt =
      "2026-01-01 [ERROR] surya: Error downloading model from layout. Attempt 1 of 3. Error: HTTPSConnectionPool(host='models.datalab.to', port=443): Max retries exceeded\n";
    expect(findSetupProblem(attempt)).toBeNull();
  });

  it("of one document among many", () => {
    const log = "[ERROR] marker: Error converting /in/a.pdf: too odd\nTraceback\nValueError: x\n";
    expect(findReason(log, "/in/a.pdf")).toBe("too odd");
    expect(findReason(log, "/in/b.pdf")).toBeNull();
    expect(findReason(log, null)).toBe("ValueError: x");
  });
});

describe("what Marker gives up on", () => {
  it("is heard however its words are cut, and for its inputs alone", () => {
    const heard: string[] = [];
    const ears = new GivenUp("/in", (stem) => heard.push(stem));
    const words =
      "2026-01-01 [ERROR] marker: Error converting /in/document-000002.pdf: too odd\n" +
      "[ERROR] marker: Error converting /other/document-000003.pdf: too odd\n" +
      "[ERROR] marker: Error converting /in/document-000004.pdf: \n";
    for (const letter of words) ears.hear(letter);
    expect(heard).toEqual(["document-000002", "document-000004"]);
  });
});

describe("a device", () => {
  it.each([
    ["auto", "auto"],
    ["cpu", "cpu"],
    ["cuda", "cuda:0"],
    ["cuda:3", "cuda:3"],
  ])("%s", (text, device) => {
    expect(parseDevice(text)).toBe(device);
  });

  it.each(["gpu", "cuda:", "cuda:x", "mps", ""])("refuses %j", (text) => {
    expect(() => parseDevice(text)).toThrow(/is not a device/);
  });
});
