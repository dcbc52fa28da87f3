"""The two stages with ProcessPoolExecutor and Polars, as a Python laboratory runs them.

    python baseline.py stage|preprocess --workers N --start fork|spawn …

Prints one line of JSON: counts and seconds.
"""

import argparse
import json
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

import preprocess
import stage


def run_all(function, items: list, options: dict, args) -> dict:
    """One task an item, counted by the status of its result."""
    counts = {"ok": 0, "skipped": 0, "reject": 0, "error": 0}
    rows = segments = 0
    context = multiprocessing.get_context(args.start)
    with ProcessPoolExecutor(max_workers=args.workers, mp_context=context) as executor:
        futures = [executor.submit(function, item, options) for item in items]
        for future in as_completed(futures):
            event = future.result()
            counts[event["status"]] += 1
            rows += event.get("rows", 0)
            segments += event.get("segments_written", 0)
    return {**counts, "rows": rows, "segments": segments}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("stage", choices=["stage", "preprocess"])
    parser.add_argument("--raw-root")
    parser.add_argument("--stage-root", required=True)
    parser.add_argument("--output-root")
    parser.add_argument("--procedures-yaml")
    parser.add_argument("--local-tz", default="America/Santiago")
    parser.add_argument("--procedure", default="IV")
    parser.add_argument("--voltage-col", default="Vsd (V)")
    parser.add_argument("--dv-threshold", type=float, default=0.001)
    parser.add_argument("--min-segment-points", type=int, default=5)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--start", choices=["fork", "spawn"], default="fork")
    parser.add_argument("--compression", default="zstd")
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--only-yaml-data", action="store_true")
    args = parser.parse_args()
    began = time.perf_counter()
    common = {"force": args.force, "compression": args.compression}
    if args.stage == "stage":
        root = Path(args.stage_root)
        items = stage.find_sources(args.raw_root)
        options = {
            **common,
            "stage_root": args.stage_root,
            "procedures": args.procedures_yaml,
            "local_tz": args.local_tz,
            "only_yaml_data": args.only_yaml_data,
        }
        result = run_all(stage.stage_file, items, options, args)
        pattern, keys = "event-*.json", ["run_id", "ts", "status", "path"]
    else:
        root = Path(args.output_root)
        items = preprocess.find_runs(args.stage_root, args.procedure)
        options = {
            **common,
            "output_root": args.output_root,
            "voltage_col": args.voltage_col,
            "threshold": args.dv_threshold,
            "least": args.min_segment_points,
        }
        result = run_all(preprocess.segment_run, items, options, args)
        pattern, keys = "segment-*.json", ["run_id", "ts", "status"]
    worked = time.perf_counter()
    manifest = root / "_manifest"
    stage.merge_events(manifest / "events", pattern, manifest / "manifest.parquet", keys)
    done = time.perf_counter()
    print(json.dumps({**result, "workSeconds": worked - began, "seconds": done - began}))


if __name__ == "__main__":
    main()
