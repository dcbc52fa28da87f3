export type { Advice, Check, CheckSection, CheckState } from "./check.ts";
export { examine } from "./examine.ts";
export type { Examination } from "./examine.ts";
export type { Verdict } from "./mechanisms.ts";
export { sweepRuns } from "./runs.ts";
export type { FoundRun, Sweep } from "./runs.ts";
