"""Both stages of the measurements with ProcessPoolExecutor, as the laboratory's program has them.

    python two_stages.py stage|preprocess|both RAW_ROOT FOLDER PROCEDURES

`both` runs them back to back in this one process, whose workers are forked: by then Polars has
threads here, because the first stage ends by merging its events. Prints a line for each stage that
has ended.
"""

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3] / "bench" / "measurements" / "baseline"))

import preprocess
import stage

WORKERS = 2


def run_pool(function, items: list, options: dict) -> int:
    context = multiprocessing.get_context("fork")
    done = 0
    with ProcessPoolExecutor(max_workers=WORKERS, mp_context=context) as executor:
        futures = [executor.submit(function, item, options) for item in items]
        for future in as_completed(futures):
            done += future.result()["status"] in ("ok", "skipped")
    return done


def run_stage(raw_root: str, folder: Path, procedures: str) -> None:
    root = folder / "02_stage" / "raw_measurements"
    options = {
        "stage_root": str(root),
        "procedures": procedures,
        "local_tz": "America/Santiago",
        "only_yaml_data": False,
        "force": True,
        "compression": "zstd",
    }
    done = run_pool(stage.stage_file, stage.find_sources(raw_root), options)
    manifest = root / "_manifest"
    keys = ["run_id", "ts", "status", "path"]
    stage.merge_events(manifest / "events", "event-*.json", manifest / "manifest.parquet", keys)
    print(f"stage {done}", flush=True)


def run_preprocess(folder: Path) -> None:
    options = {
        "output_root": str(folder / "03_intermediate" / "iv_segments"),
        "voltage_col": "Vsd (V)",
        "threshold": 0.001,
        "least": 5,
        "force": True,
        "compression": "zstd",
    }
    runs = preprocess.find_runs(str(folder / "02_stage" / "raw_measurements"), "IV")
    print(f"preprocess {run_pool(preprocess.segment_run, runs, options)}", flush=True)


def main() -> None:
    which, raw_root, folder, procedures = sys.argv[1:]
    if which in ("stage", "both"):
        run_stage(raw_root, Path(folder), procedures)
    if which in ("preprocess", "both"):
        run_preprocess(Path(folder))


if __name__ == "__main__":
    main()
