import { formatPageRange } from "../pages/page-range.ts";
import type { Marker } from "./find-marker.ts";

/** What both programs of both generations understand. */
export interface MarkerCall {
  readonly output: string;
  readonly pages: readonly number[] | undefined;
}

/** `marker_single FILE`. */
export function singleCommand(marker: Marker, file: string, call: MarkerCall): string[] {
  // In a process that converts one document, a pool of processes to read its text gains nothing.
  return [marker.single, file, ...commonOptions(call), "--disable_multiprocessing"];
}

/** `marker FOLDER`: a pool of workers, each of which loads the models once. */
export function manyCommand(
  marker: Marker,
  folder: string,
  call: MarkerCall & { readonly workers: number; readonly documents: number },
): string[] {
  return [
    marker.many,
    folder,
    ...commonOptions(call),
    "--workers",
    String(call.workers),
    // By default 1.x ends a worker after 10 documents and loads the models anew. A batch is bounded
    // already, and by more than its number of documents.
    "--max_tasks_per_worker",
    String(call.documents),
  ];
}

function commonOptions({ output, pages }: MarkerCall): string[] {
  return [
    "--output_dir",
    output,
    "--output_format",
    "markdown",
    // Without it nobody could tell which page a sentence stands on.
    "--paginate_output",
    "--disable_image_extraction",
    // A progress bar holds a lock of multiprocessing, for nobody to look at.
    "--disable_tqdm",
    ...(pages ? ["--page_range", formatPageRange(pages, 0)] : []),
  ];
}
