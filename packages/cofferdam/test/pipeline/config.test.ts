/** What is said about a pipeline that cannot be used: file, line, column, what to do. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { definePipeline, runPipeline } from "cofferdam";
import { parse } from "yaml";
import { editDistance } from "../../src/pipeline/config/did-you-mean.ts";
import { makeSchema } from "../../src/pipeline/config/json-schema.ts";
import { Project } from "./support.ts";

const schemaFile = fileURLToPath(new URL("../../schemas/pipeline-1.schema.json", import.meta.url));

const good = `version: 1
params: { lang: en, up: ../up }
limits: { api: { rpm: 60 } }
stages:
  one:
    each: "in/*.txt"
    run: [cp, "{in}", "{out}"]
    out: "o/{in.stem}.md"
    track: [params.lang]
  two: { from: one, run: [cat, "{in}"], limit: api }
`;

describe("a pipeline's file", () => {
  it.each<[what: string, text: string, by: string, message: RegExp]>([
    [
      "a wrong key",
      "track:",
      "trakc:",
      /yaml:9:5: stages\.one\.trakc is not known here; did you mean "track"\?/,
    ],
    [
      "a wrong key at the top",
      "limits:",
      "limit:",
      /yaml:3:1: limit is not known here; did you mean "limits"\?/,
    ],
    [
      "a wrong key in a limit",
      "rpm: 60",
      "rmp: 60",
      /yaml:3:18: limits\.api\.rmp is not known here; did you mean "rpm"\?/,
    ],
    [
      "a wrong type",
      '[cp, "{in}", "{out}"]',
      "cp {in} {out}",
      /yaml:7:10: stages\.one\.run must be the words of a command as a list/,
    ],
    [
      "a wrong value",
      "limit: api",
      "onFail: explode",
      /yaml:10:\d+: stages\.two\.onFail must be one of quarantine, continue, stop/,
    ],
    [
      "a wrong duration",
      "limit: api",
      "timeout: soon",
      /yaml:10:\d+: stages\.two\.timeout is neither a duration/,
    ],
    [
      "a stage that does not exist",
      "from: one",
      "from: on",
      /yaml:10:16: stages\.two\.from reads a stage that does not exist: "on"; did you mean "one"\?/,
    ],
    [
      "an output that another stage has",
      "limit: api",
      'out: "./o/{in.stem}.md/"',
      /yaml:10:\d+: stages\.two\.out is that of the stage "one" too/,
    ],
    [
      "an output that a parameter leads out of the folder",
      "o/{in.stem}.md",
      "{params.up}/{in.stem}.md",
      /yaml:8:10: stages\.one\.out leads out of the pipeline's folder/,
    ],
    [
      "more of a resource than there is",
      "limit: api",
      "resources: { gpu: 2 }",
      /yaml:10:\d+: stages\.two\.resources\.gpu needs 2, and there is 1/,
    ],
    ["a cycle", 'each: "in/*.txt"', "from: two", /makes a circle: one ← two ← one/],
    [
      "an output that is always the same",
      "o/{in.stem}.md",
      "o/all.md",
      /yaml:8:10: stages\.one\.out is the same for every item/,
    ],
    [
      "a placeholder that does not exist",
      "{in.stem}",
      "{in.stm}",
      /yaml:8:10: stages\.one\.out has the placeholder \{in\.stm\}.*did you mean "in\.stem"\?/,
    ],
    [
      "a placeholder of a command that is misspelt",
      '[cat, "{in}"]',
      '[cat, "{params.lang}", "{itme}"]',
      /yaml:10:\d+: stages\.two\.run\.2 has the placeholder \{itme\}.*did you mean "item"\?/,
    ],
    [
      "a placeholder of other programs",
      '[cat, "{in}"]',
      '[cat, "{input}"]',
      /yaml:10:\d+: stages\.two\.run\.1 has the placeholder \{input\}.*did you mean "in"\?/,
    ],
    [
      "a parameter that does not exist",
      "params.lang",
      "params.lnag",
      /yaml:9:13: stages\.one\.track\.0 follows a parameter that does not exist: "lnag"; did you mean "lang"\?/,
    ],
    [
      "a limit that does not exist",
      "limit: api",
      "limit: apy",
      /yaml:10:\d+: stages\.two\.limit names a limit that does not exist: "apy"; did you mean "api"\?/,
    ],
    [
      "a way out of the folder",
      "o/{in.stem}.md",
      "../{in.stem}.md",
      /leads out of the pipeline's folder/,
    ],
    ["no work", 'run: [cat, "{in}"], ', "", /yaml:10:3: stages\.two says nothing to do/],
    ["no YAML", "stages:", "stages: [", /yaml:\d+:\d+: it is not YAML/],
    ["another version", "version: 1", "version: 2", /yaml:1:10: version must be 1/],
  ])("with %s", async (_what, text, by, message) => {
    expect(good).toContain(text);
    using project = new Project({ "in/a.txt": "", "cofferdam.yaml": good.replace(text, by) });
    const { code, stderr } = await project.run();
    expect(stderr).toMatch(message);
    expect(code).toBe(1);
    expect(project.has(".cofferdam")).toBe(false);
  });

  it("that matches nothing, or whose outputs collide or come back as inputs", async () => {
    using project = new Project({ "cofferdam.yaml": good });
    expect((await project.run()).stderr).toMatch(
      /yaml:6:11: stages\.one\.each matches nothing: "in\/\*\.txt"/,
    );
    project.write("cofferdam.yaml", good.replace("in/*.txt", "in/**/*.txt"));
    project.write("in/a/x.txt", "");
    project.write("in/b/x.txt", "");
    const collides = await project.run();
    expect(collides.stderr).toMatch(
      /yaml:8:10: stages\.one\.out gives "in\/a\/x\.txt" and "in\/b\/x\.txt" the same output "o\/x\.md"; put more/,
    );
    expect(collides.code).toBe(1);
    project.write(
      "cofferdam.yaml",
      good.replace("in/*.txt", "**/*").replace("o/{in.stem}.md", "o/{in.path}"),
    );
    expect((await project.run()).stderr).toMatch(
      /which each matches: it would be an input of the next run/,
    );
    // Nothing of a plan that was refused stays.
    expect(await project.status()).toMatchObject({ one: { discovered: 0 } });
  });

  it("in DVC's params.yaml, and in the wrong place", async () => {
    using project = new Project({ "params.yaml": "- a\n", "in/a.txt": "", "cofferdam.yaml": good });
    expect((await project.run()).stderr).toMatch(/params\.yaml:1:1: it must be a mapping/);
    const nowhere = await project.run("nowhere.yaml");
    expect([nowhere.code, nowhere.stderr]).toEqual([
      1,
      expect.stringContaining("there is no such file"),
    ]);
  });

  it("has a schema for editors, which is the published one", () => {
    const schema = makeSchema();
    expect(JSON.parse(readFileSync(schemaFile, "utf8"))).toEqual(schema);
    const validate = new Ajv2020({ allowUnionTypes: true }).compile(schema);
    expect(validate(parse(good))).toBe(true);
    expect(validate(parse(good.replace("track:", "trakc:")))).toBe(false);
  });
});

describe("a pipeline in TypeScript", () => {
  const script = `
import { definePipeline } from "cofferdam";
export default definePipeline({
  stages: { copy: { each: "in/*.txt", run: ["cp", "{in}", "{out}"], out: "o/{in.name}" } },
});`;

  it("is run from its file, and its errors name their place", async () => {
    using project = new Project({ "in/a.txt": "text", "cofferdam.ts": script });
    project.write(
      "cofferdam.ts",
      script.replace('"cofferdam"', JSON.stringify(import.meta.resolve("cofferdam"))),
    );
    expect((await project.run()).stderr).toMatch(/1 done/);
    expect(project.read("o/a.txt")).toBe("text");
    project.write("cofferdam.ts", "export default { stages: { copy: { eahc: 1 } } };");
    expect((await project.run()).stderr).toMatch(
      /cofferdam\.ts: stages\.copy\.eahc is not known here; did you mean "each"/,
    );
    project.write("cofferdam.ts", "export const pipeline = 1;");
    expect((await project.run()).stderr).toMatch(/it has no default export/);
  });

  it("is run by a program", async () => {
    using project = new Project({ "in/a.txt": "text" });
    const pipeline = definePipeline({
      stages: { copy: { each: "in/*.txt", run: ["cp", "{in}", "{out}"], out: "o/{in.name}" } },
    });
    const result = await runPipeline(pipeline, { folder: project.folder });
    expect(result.counts).toMatchObject({ total: 1, done: 1, failed: 0, pending: 0 });
    expect(result.scope.processes.left).toBe(0);
    const wrong = definePipeline({ stages: { copy: { run: ["true"] } } });
    await expect(runPipeline(wrong, { folder: project.folder })).rejects.toThrow(/has no items/);
  });
});

it("measures how far a word is from another", () => {
  expect(editDistance("concurency", "concurrency")).toBe(1);
  expect(editDistance("trakc", "track")).toBe(1);
  expect(editDistance("", "abc")).toBe(3);
});
