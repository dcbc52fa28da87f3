export * from "./colour.ts";
export * from "./counts.ts";
export * from "./escape.ts";
export * from "./event.ts";
export * from "./renderer.ts";
export * from "./width.ts";
