/** What the path of a staged run says: `…/proc=IV/date=2024-09-02/run_id=…/part-000.parquet`. */
export interface StagedPath {
  readonly procedure: string;
  readonly date: string;
  readonly runId: string;
}

const partitions = /proc=([^/]+)\/date=([^/]+)\/run_id=([^/]+)\//;

export function parseStagedPath(path: string): StagedPath {
  const [, procedure = "", date = "", runId = ""] = partitions.exec(path) ?? [];
  return { procedure, date, runId };
}
