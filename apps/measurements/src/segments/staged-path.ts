/** What the path of a staged run says: `…/proc=IV/date=2024-09-02/run_id=…/part-000.parquet`. */
export interface StagedPath {
  readonly procedure: string;
  readonly date: string;
  readonly runId: string;
}

export function parseStagedPath(path: string): StagedPath {
  const part = (key: string): string => path.match(new RegExp(`(?:^|/)${key}=([^/]+)/`))?.[1] ?? "";
  return { procedure: part("proc"), date: part("date"), runId: part("run_id") };
}
