import type { PipelineManifest } from "./pipeline-manifest.ts";

/** Writes all of a change, or, when it rejects, nothing of it. */
export async function inTransaction<Value>(
  manifest: PipelineManifest,
  change: () => Promise<Value>,
): Promise<Value> {
  manifest.begin();
  try {
    const value = await change();
    manifest.commit();
    return value;
  } catch (error) {
    manifest.rollback();
    throw error;
  }
}
