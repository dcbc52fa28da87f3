export * from "./cache/cache.ts";
export * from "./cache/inspect.ts";
export * from "./limiter/bounds.ts";
export * from "./limiter/limiter.ts";
export * from "./shared-state.ts";
