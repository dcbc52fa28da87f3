export { compareHostileTask, type HostileComparison } from "./compare.ts";
