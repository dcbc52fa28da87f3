export { chaos, type ChaosOptions, type ChaosResult, type Round } from "./chaos.ts";
export type { Anchor, Moment, Phase, Timing } from "./moments.ts";
export { createPrng, type Prng } from "./prng.ts";
export { formatResult } from "./report.ts";
export type { Subject } from "./subject.ts";
export { documentsSubject, templateSubject } from "./subjects.ts";
export { findVictims, ProcessTree, VICTIM_KINDS, type VictimKind } from "./victims.ts";
