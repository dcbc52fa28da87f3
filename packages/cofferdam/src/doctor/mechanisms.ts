import { accessSync, constants, realpathSync } from "node:fs";
import { delimiter, join } from "node:path";
import { errorMessage } from "../errors/index.ts";
import { locateKeeper, missingKeeper } from "../keeper/locate.ts";
import { adviseCgroup, adviseKeeper, adviseNamespaces, adviseProc } from "./advice.ts";
import { askKeeper } from "./ask-keeper.ts";
import { isControllerOfV1 } from "./cgroups.ts";
import type { Advice, Check, CheckState } from "./check.ts";
import { readFacts, type Facts } from "./facts.ts";

/** What a run gets here. */
export interface Verdict {
  /** `none`: a run would not even start. */
  readonly tree: "namespace" | "subreaper" | "group" | "none";
  /** Whether a report's "0 left" is confirmed by the kernel. */
  readonly verified: boolean;
  /** Why nothing stronger; empty under `namespace`. */
  readonly why: string;
}

/** One mechanism as the keeper has tried it. */
export interface Probed {
  readonly name: string;
  readonly state: CheckState;
  readonly detail: string;
}

/** Generous; what takes longer is no keeper. */
const probeMs = 60_000;

/** Lets the keeper try each mechanism. Never rejects: that there is no keeper is a result too. */
export async function examineContainment(): Promise<{ verdict: Verdict; checks: Check[] }> {
  const keeper = findKeeper();
  if ("check" in keeper) return { verdict: verdictWithout(keeper), checks: [keeper.check] };
  const found = { section: "containment", name: "keeper", advice: [] } as const;
  let probed: readonly Probed[];
  try {
    const signal = AbortSignal.timeout(probeMs);
    probed = readProbe((await askKeeper(keeper.path, ["--probe"], { signal })).lines);
    if (!probed.some(isWay)) throw new Error(`${keeper.path} does not know --probe`);
  } catch (error) {
    const detail = `it does not work: ${errorMessage(error)}`;
    const again: Advice = { text: "It may be older than this package: build or install it anew." };
    return {
      verdict: verdict("none", detail),
      checks: [{ ...found, state: "failed", detail, advice: [again] }],
    };
  }
  return {
    verdict: judge(probed, process.env["COFFERDAM_CONTAINMENT"] ?? ""),
    checks: [
      { ...found, state: "ok", detail: keeper.path },
      ...explainProbe(probed, keeper.path, readFacts(), process.getuid?.() === 0),
    ],
  };
}

function findKeeper(): { path: string } | { check: Check; broken: boolean } {
  const check = { section: "containment", name: "keeper", state: "failed" } as const;
  if (process.platform !== "linux") {
    const detail = "the keeper needs Linux";
    return { check: { ...check, detail, advice: adviseKeeper(false, false) }, broken: false };
  }
  try {
    const path = locateKeeper();
    if (path !== null) return { path: realpathSync(path) };
  } catch (error) {
    const advice = [{ text: "Name another file, or unset the variable." }];
    return { check: { ...check, detail: errorMessage(error), advice }, broken: true };
  }
  const isRepository = import.meta.url.endsWith(".ts");
  const advice = adviseKeeper(isRepository, hasCompiler());
  return { check: { ...check, detail: missingKeeper(), advice }, broken: false };
}

function verdictWithout({ check, broken }: { check: Check; broken: boolean }): Verdict {
  if (process.platform === "win32") return verdict("none", "Windows is not supported");
  return verdict(broken ? "none" : "group", check.detail);
}

function hasCompiler(): boolean {
  return (process.env["PATH"] ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, process.env["CC"] ?? "cc"), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Of these one has to work. */
function isWay({ name }: Probed): boolean {
  return name === "namespace" || name === "user-namespace";
}

/** The keeper's lines; what is not one is skipped, a newer keeper may say more. */
export function readProbe(lines: readonly (readonly string[])[]): Probed[] {
  return lines.flatMap(([name, state, detail = ""]): Probed[] => {
    if (name === undefined) return [];
    return state === "ok" || state === "failed" || state === "weak"
      ? [{ name, state, detail }]
      : [];
  });
}

/** What a run gets, from what works and from what `COFFERDAM_CONTAINMENT` says. */
export function judge(probed: readonly Probed[], forced: string): Verdict {
  const namespaced = probed.some((probe) => isWay(probe) && probe.state === "ok");
  const asked = "COFFERDAM_CONTAINMENT asks for it";
  if (forced === "group") return verdict("group", asked);
  if (forced === "subreaper") return verdict("subreaper", asked);
  if (forced !== "" && forced !== "namespace")
    return verdict("none", `COFFERDAM_CONTAINMENT is ${JSON.stringify(forced)}`);
  if (namespaced) return verdict("namespace", "");
  const refused = probed.filter(isWay).map(({ name, detail }) => `${name}: ${detail}`);
  const adopts = probed.some(({ name, state }) => name === "subreaper" && state === "ok");
  return verdict(adopts ? "subreaper" : "group", refused.join("; "));
}

function verdict(tree: Verdict["tree"], why: string): Verdict {
  return { tree, verified: tree === "namespace", why };
}

/** What was tried, and where something fails, why and how to get it. */
export function explainProbe(
  probed: readonly Probed[],
  keeper: string,
  facts: Facts,
  isRoot: boolean,
): Check[] {
  const namespaced = probed.some((probe) => isWay(probe) && probe.state === "ok");
  const last = probed.findLast(isWay)?.name;
  let cgroupAdvised = false;
  return probed.map((probe) => {
    const check = { section: "containment", advice: [], ...probe } as const;
    if (probe.state === "ok") return check;
    if (isWay(probe)) {
      if (namespaced) return { ...check, state: "weak", detail: `${probe.detail} (not needed)` };
      const advice = probe.name === last ? adviseNamespaces(facts, keeper, probe.detail) : [];
      return { ...check, advice };
    }
    if (probe.name.startsWith("cgroup")) {
      if (cgroupAdvised) return check;
      cgroupAdvised = true;
      const isV1 = probe.name !== "cgroup" && isControllerOfV1("/", "memory");
      return { ...check, advice: adviseCgroup(probe.detail, isRoot, isV1) };
    }
    // Without namespaces there is one thing to mend, and these follow.
    return namespaced ? { ...check, advice: adviseOther(probe.name, facts) } : check;
  });
}

function adviseOther(name: string, facts: Facts): Advice[] {
  switch (name) {
    case "private-proc":
      return adviseProc(facts);
    case "pid-offset":
      return [
        {
          text:
            "Tasks have the same small process ids, so that names like out.$$ of two tasks can be " +
            "the same. Let them write below TMPDIR, which is each task's own. It takes a kernel " +
            "with CONFIG_CHECKPOINT_RESTORE and a /proc/sys that can be written.",
        },
      ];
    case "private-shm":
      return [
        {
          text:
            "There is no /dev/shm to give each task one of its own. Programs that want shared " +
            "memory (Python's multiprocessing) fail. Mount a tmpfs there.",
        },
      ];
    default:
      return [];
  }
}
