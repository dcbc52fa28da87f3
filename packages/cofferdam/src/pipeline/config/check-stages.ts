import { posix } from "node:path";
import { didYouMean } from "./did-you-mean.ts";
import { withParams } from "./output-path.ts";
import { placeholderProblem } from "./patterns.ts";
import { countedResources } from "./resources.ts";
import type { ConfigProblem } from "./problem.ts";
import type { Pipeline, Stage } from "./schema.ts";
import { parseTrack } from "./track.ts";

type Problems = ConfigProblem[];

/** What is wrong with stages although each is of the right shape. */
export function checkStages(pipeline: Pipeline): Problems {
  const problems: Problems = [];
  for (const [name, stage] of Object.entries(pipeline.stages)) {
    checkWork(name, stage, problems);
    checkSource(name, stage, pipeline, problems);
    checkPatterns(name, stage, pipeline, problems);
    checkTracked(name, stage, pipeline, problems);
    checkResources(name, stage, pipeline, problems);
    const { limit } = stage;
    const limits = Object.keys(pipeline.limits ?? {});
    if (limit !== undefined && !limits.includes(limit))
      problems.push({
        path: ["stages", name, "limit"],
        message: `names a limit that does not exist: ${JSON.stringify(limit)}${didYouMean(limit, limits)}`,
      });
  }
  checkCycles(pipeline, problems);
  checkOutputs(pipeline, problems);
  return problems;
}

function checkWork(name: string, stage: Stage, problems: Problems): void {
  const path = ["stages", name];
  const kinds = (["run", "module", "python"] as const).filter((kind) => stage[kind] !== undefined);
  if (kinds.length === 0)
    problems.push({ path, message: "says nothing to do; give it run, module or python" });
  if (kinds.length > 1)
    problems.push({
      path: [...path, kinds[1] ?? ""],
      key: true,
      message: `comes in addition to ${String(kinds[0])}; a stage does one thing`,
    });
  const bounds = (["cpus", "processes"] as const).filter((name) => stage.resources?.[name]);
  if (!stage.run && bounds[0] !== undefined)
    problems.push({
      path: [...path, "resources", bounds[0]],
      key: true,
      message: "bounds a command; workers are bounded by memory and threads",
    });
  if (stage.function !== undefined && stage.run)
    problems.push({ path: [...path, "function"], key: true, message: "is for module and python" });
}

function checkSource(name: string, stage: Stage, pipeline: Pipeline, problems: Problems): void {
  const path = ["stages", name];
  const { each, from, gather } = stage;
  if (each === undefined && from === undefined)
    problems.push({
      path,
      message: "has no items; give it each (files) or from (another stage's outputs)",
    });
  if (each !== undefined && from !== undefined)
    problems.push({
      path: [...path, "from"],
      key: true,
      message: "comes in addition to each; a stage's items come from one place",
    });
  if (from !== undefined) checkFrom(name, from, pipeline, problems);
  if (gather !== undefined && from === undefined)
    problems.push({
      path: [...path, "gather"],
      key: true,
      message: "gathers the outputs of another stage; give it from",
    });
}

function checkFrom(name: string, from: string, pipeline: Pipeline, problems: Problems): void {
  const path = ["stages", name, "from"];
  const source = pipeline.stages[from];
  if (!source) {
    const names = Object.keys(pipeline.stages);
    const hint = didYouMean(from, names) || `; there are ${names.join(", ")}`;
    problems.push({
      path,
      message: `reads a stage that does not exist: ${JSON.stringify(from)}${hint}`,
    });
  } else if (source.out === undefined) {
    problems.push({
      path,
      message: `reads the stage ${JSON.stringify(from)}, which has no outputs; give that one out`,
    });
  }
}

function checkPatterns(name: string, stage: Stage, pipeline: Pipeline, problems: Problems): void {
  const places: [PropertyKey[], string, "command" | "out" | "group"][] = [];
  if (stage.out !== undefined) places.push([["out"], stage.out, "out"]);
  if (stage.gather !== undefined && stage.gather !== "all")
    places.push([["gather"], stage.gather, "group"]);
  for (const [index, word] of (stage.run ?? []).entries())
    places.push([["run", index], word, "command"]);
  for (const [path, text, use] of places) {
    const message = placeholderProblem(text, use, stage, pipeline.params ?? {});
    if (message !== null) problems.push({ path: ["stages", name, ...path], message });
  }
  const out = stage.out === undefined ? "" : withParams(stage.out, pipeline.params ?? {});
  if (out.startsWith("/") || out.split("/").includes(".."))
    problems.push({
      path: ["stages", name, "out"],
      message: "leads out of the pipeline's folder; outputs stay below it",
    });
}

function checkTracked(name: string, stage: Stage, pipeline: Pipeline, problems: Problems): void {
  for (const [index, text] of (stage.track ?? []).entries()) {
    const { message } = parseTrack(text, pipeline.params ?? {});
    if (message !== undefined) problems.push({ path: ["stages", name, "track", index], message });
  }
}

/** Items that need more than there is would wait for ever. */
function checkResources(name: string, stage: Stage, pipeline: Pipeline, problems: Problems): void {
  for (const [resource, needed] of countedResources(stage)) {
    const there = pipeline.resources?.[resource] ?? 1;
    if (needed > there)
      problems.push({
        path: ["stages", name, "resources", resource],
        message: `needs ${needed}, and there is ${there}; say at the top how many there are: resources: { ${resource}: ${needed} }`,
      });
  }
}

function checkCycles({ stages }: Pipeline, problems: Problems): void {
  for (const name of Object.keys(stages)) {
    const chain = [name];
    for (let next = stages[name]?.from; next !== undefined; next = stages[next]?.from) {
      if (next === name) {
        // Told once, at its first stage.
        const isFirst = Object.keys(stages).find((other) => chain.includes(other)) === name;
        if (isFirst)
          problems.push({
            path: ["stages", name, "from"],
            message: `makes a circle: ${[...chain, name].join(" ← ")}; one of them must read files (each)`,
          });
        break;
      }
      if (chain.includes(next)) break;
      chain.push(next);
    }
  }
}

/** Two stages with one pattern write over one another's outputs. */
function checkOutputs({ stages, params = {} }: Pipeline, problems: Problems): void {
  const known = new Map<string, string>();
  for (const [name, { out }] of Object.entries(stages)) {
    if (out === undefined) continue;
    const plain = posix
      .normalize(withParams(out, params))
      .replace(/\/$/, "")
      .replaceAll(/\{(in\.path|item)\}/g, "{in}");
    const other = known.get(plain);
    if (other === undefined) known.set(plain, name);
    else
      problems.push({
        path: ["stages", name, "out"],
        message: `is that of the stage ${JSON.stringify(other)} too: ${JSON.stringify(out)}; give each stage a folder of its own`,
      });
  }
}
