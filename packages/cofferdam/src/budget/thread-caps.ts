/** What libraries look at to decide how many threads they start. */
const variables = [
  "OMP_NUM_THREADS",
  "OPENBLAS_NUM_THREADS",
  "MKL_NUM_THREADS",
  "BLIS_NUM_THREADS",
  "VECLIB_MAXIMUM_THREADS",
  "NUMEXPR_NUM_THREADS",
  "NUMBA_NUM_THREADS",
  "RAYON_NUM_THREADS",
  "POLARS_MAX_THREADS",
  "TF_NUM_INTRAOP_THREADS",
  "TF_NUM_INTEROP_THREADS",
  "UV_THREADPOOL_SIZE",
  "GOMAXPROCS",
  "PYTHON_CPU_COUNT",
];

/**
 * Variables that cap threads. A library may overwrite them (Marker does); CPU affinity is what none
 * can overlook by accident.
 */
export function threadCaps(threads: number): Record<string, string> {
  const caps = Object.fromEntries(variables.map((name) => [name, String(threads)]));
  return { ...caps, TOKENIZERS_PARALLELISM: threads > 1 ? "true" : "false" };
}
