/**
 * Each fault scenario of the pool names a guard. This switches the guards off, one at a time, in a
 * copy of the sources, and runs the scenario's test there: it must fail. A test that passes without
 * its guard proves nothing.
 */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openScope, type Scope } from "cofferdam";
import type { Experiment } from "../experiment.ts";
import { wholeNumber } from "../options.ts";
import { formatTable } from "../table.ts";
import { guards, type Guard } from "./guards.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const tests = "packages/cofferdam/test/pool/scenarios";
const copied = [
  "packages",
  "lab",
  "test",
  "keeper",
  "package.json",
  "tsconfig.json",
  "tsconfig.base.json",
  "vitest.config.ts",
];

interface Verdict {
  readonly guard: Guard;
  /** `fails`: as it must. `passes`: the test sees nothing. `gone`: the guard is not where it was. */
  readonly verdict: "fails" | "passes" | "gone";
}

export const guardsExperiment: Experiment = {
  summary: "each guard of the pool is switched off, and its fault scenario must fail",
  usage: `npm run lab guards -- [--only NUMBER]... [--timeout MS] [--json]

  --only     the scenario with this number; may be given again
  --timeout  when a test that hangs has failed, in milliseconds (default 20000)
`,
  run: async (args) => {
    const { values } = parseArgs({
      args: [...args],
      options: {
        only: { type: "string", multiple: true, default: [] },
        timeout: { type: "string", default: "20000" },
        json: { type: "boolean", default: false },
      },
    });
    const only = new Set(values.only.map((text) => wholeNumber("--only", text)));
    const wanted = guards.filter(({ scenario }) => only.size === 0 || only.has(scenario));
    const timeoutMs = wholeNumber("--timeout", values.timeout);
    const copy = copySources();
    const verdicts: Verdict[] = [];
    try {
      await using scope = await openScope();
      const numbers = [...new Set(wanted.map(({ scenario }) => scenario))];
      if (!(await holds(scope, copy, numbers, timeoutMs * 6))) {
        console.error("the scenarios do not hold with every guard on; run their tests first");
        return 1;
      }
      for (const guard of wanted) {
        const verdict = { guard, verdict: await tryWithout(scope, copy, guard, timeoutMs) };
        verdicts.push(verdict);
        if (!values.json) console.log(line(verdict).join("  "));
      }
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
    if (values.json) console.log(JSON.stringify(verdicts));
    else
      console.log(
        `\n${formatTable(["scenario", "without its guard", "guard"], verdicts.map(line))}`,
      );
    return verdicts.every(({ verdict }) => verdict === "fails") ? 0 : 1;
  },
};

function line({ guard, verdict }: Verdict): string[] {
  return [String(guard.scenario), verdict, guard.guard];
}

/** The repository, with its dependencies linked and its own packages its own. */
function copySources(): string {
  const copy = mkdtempSync(join(tmpdir(), "guards-"));
  for (const name of copied)
    cpSync(join(root, name), join(copy, name), {
      recursive: true,
      filter: (source) => !/\/(node_modules|dist)$/.test(source),
    });
  const modules = join(copy, "node_modules");
  mkdirSync(modules);
  for (const name of readdirSync(join(root, "node_modules")))
    if (!["cofferdam", "cofferdam-python", ".cache", ".vite", ".vitest"].includes(name))
      symlinkSync(join(root, "node_modules", name), join(modules, name));
  for (const name of ["cofferdam", "cofferdam-python"])
    symlinkSync(join(copy, "packages", name), join(modules, name));
  return copy;
}

async function tryWithout(
  scope: Scope,
  copy: string,
  guard: Guard,
  timeoutMs: number,
): Promise<Verdict["verdict"]> {
  const file = join(copy, "packages/cofferdam/src", guard.file);
  const whole = readFileSync(file, "utf8");
  if (!whole.includes(guard.find)) return "gone";
  writeFileSync(file, whole.replaceAll(guard.find, guard.replace));
  try {
    return (await holds(scope, copy, [guard.scenario], timeoutMs)) ? "passes" : "fails";
  } finally {
    writeFileSync(file, whole);
  }
}

/** Whether the scenarios' tests pass in the copy. Contained: without guards they leave things. */
async function holds(
  scope: Scope,
  copy: string,
  scenarios: readonly number[],
  timeoutMs: number,
): Promise<boolean> {
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const limits = [`--testTimeout=${timeoutMs}`, `--hookTimeout=${timeoutMs}`, "--bail=1"];
  const names = ["-t", ` (${scenarios.join("|")})[:,]`];
  try {
    await scope.exec([process.execPath, vitest, "run", tests, ...limits, ...names], {
      cwd: copy,
      timeout: timeoutMs * 12 * scenarios.length,
      grace: "1s",
    });
    return true;
  } catch {
    return false;
  }
}
