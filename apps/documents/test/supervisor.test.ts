/** What reads documents is never loaded in the calling process. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, it } from "vitest";
import { Program } from "../../../test/support/program.ts";
import { useWorkspace } from "./support/workspace.ts";

const here = useWorkspace();
const application = pathToFileURL(join(import.meta.dirname, "../src/index.ts")).href;

it("no engine and no model is loaded in the supervisor", async () => {
  here.addPaper("a.pdf");
  // Each module that is loaded, and each file that is mapped to run from it.
  const program = `
    import { registerHooks } from "node:module";
    import { readFileSync } from "node:fs";
    const loaded = [];
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    const { convertDocuments } = await import(${JSON.stringify(application)});
    const { counts } = await convertDocuments({ inputs: ["papers"], out: "out" });
    const mapped = readFileSync("/proc/self/maps", "utf8");
    console.log(JSON.stringify({ counts, loaded, mapped }));
  `;
  writeFileSync(join(here.folder, "program.mjs"), program);
  const { stdout, stderr } = await new Program(["program.mjs"], { cwd: here.folder }).finished;
  expect(stderr).toBe("");
  const { counts, loaded, mapped } = JSON.parse(stdout) as {
    counts: { done: number };
    loaded: string[];
    mapped: string;
  };
  expect(counts.done).toBe(1);
  expect(loaded.some((url) => url.endsWith("convert-documents.ts"))).toBe(true);
  expect(loaded.filter((url) => /pdfjs|unpdf\/dist\/pdf/.test(url))).toEqual([]);
  expect(mapped).not.toMatch(/torch|onnx|python|cuda/i);
});
