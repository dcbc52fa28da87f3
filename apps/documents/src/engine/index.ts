export { DOCUMENT_ERROR_CODES, DocumentError } from "./errors.ts";
export type { DocumentErrorCode } from "./errors.ts";
export { embeddedEngine } from "./embedded.ts";
export type { Conversion, ConvertOptions, Engine } from "./engine.ts";
