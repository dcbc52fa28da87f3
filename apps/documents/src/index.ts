export * from "./chunks/chunk-file.ts";
export * from "./chunks/chunks.ts";
export { createCommand } from "./command.ts";
export {
  convertDocuments,
  type ConvertDocumentsOptions,
  type ConvertDocumentsResult,
} from "./convert-documents.ts";
export { doctorChecks } from "./doctor.ts";
export * from "./document-processor.ts";
export type * from "./document-results.ts";
export * from "./embedded/index.ts";
export { engineNames, type EngineName } from "./engines/engine.ts";
export type { EngineOptions } from "./engines/open-engine.ts";
export { explainFailure, failureCodes } from "./explain.ts";
export { parseDevice, type Device } from "./marker/device.ts";
export { MarkerError } from "./marker/marker-error.ts";
export { KnownFailure } from "./store/failure-records.ts";
export type { ConversionRecipe, DocumentMetadata } from "./store/metadata.ts";
