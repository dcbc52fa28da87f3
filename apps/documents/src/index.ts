export { createCommand } from "./command.ts";
export {
  convertDocuments,
  type ConvertDocumentsOptions,
  type ConvertDocumentsResult,
} from "./convert-documents.ts";
export * from "./engine/index.ts";
export { failureCodes } from "./explain.ts";
