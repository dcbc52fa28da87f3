export * from "./codes.ts";
export * from "./cofferdam-error.ts";
