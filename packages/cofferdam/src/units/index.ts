export * from "./duration.ts";
export * from "./format.ts";
export * from "./size.ts";
export { UnitError } from "./unit-error.ts";
