export { inTransaction } from "./in-transaction.ts";
export * from "./pipeline-manifest.ts";
export { itemState, type ItemState } from "./schema.ts";
