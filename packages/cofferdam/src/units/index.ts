export * from "./duration.ts";
export * from "./format.ts";
export * from "./size.ts";
export * from "./unit-error.ts";
