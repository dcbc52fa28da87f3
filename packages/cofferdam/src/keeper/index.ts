export * from "./backend.ts";
export { acquireBackend } from "./open-backend.ts";
export { signalNumber } from "./signals.ts";
