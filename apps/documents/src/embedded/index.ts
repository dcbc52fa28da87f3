export { DOCUMENT_ERROR_CODES, DocumentError } from "./errors.ts";
export type { DocumentErrorCode } from "./errors.ts";
export { embeddedEngine } from "./embedded-engine.ts";
export type { EmbeddedEngine, Reading, ReadOptions } from "./reading.ts";
