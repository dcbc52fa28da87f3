import { execFileSync } from "node:child_process";

/** What a test's name says where `python3` cannot import these; null where it can. */
export function whyNoModules(modules: string): string | null {
  try {
    execFileSync("python3", ["-c", `import ${modules}`], { stdio: "ignore" });
    return null;
  } catch {
    return ` (skipped, because Python has no ${modules})`;
  }
}
