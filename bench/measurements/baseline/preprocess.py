"""Stage 2: staged IV runs to segments of their sweeps, one task a run."""

from pathlib import Path

import polars as pl

from stage import now, short_hash, write_json, write_parquet


def find_segments(voltages: list, threshold: float, least: int) -> list:
    """Runs of points in one direction on one side of zero, as (start, end, direction)."""
    segments = []
    start = 0
    direction = None

    def close(end: int) -> None:
        if end - start >= least:
            segments.append((start, end - 1, direction or "unknown"))

    for index in range(1, len(voltages)):
        before, voltage = voltages[index - 1], voltages[index]
        if before is None or voltage is None:
            continue
        change = voltage - before
        heading = None
        if abs(change) >= threshold:
            heading = "increasing" if change > 0 else "decreasing"
        turned = heading is not None and direction is not None and heading != direction
        crossed = (before < 0 and voltage >= 0) or (before > 0 and voltage <= 0)
        if turned or crossed:
            close(index)
            start = index
            direction = heading or direction
        elif direction is None:
            direction = heading
    close(len(voltages))
    return segments


def name_segment(first: float, last: float, direction: str) -> str:
    if max(first, last) <= 0:
        return "forward_negative" if direction == "decreasing" else "return_negative"
    if min(first, last) >= 0:
        return "forward_positive" if direction == "increasing" else "return_positive"
    return "forward_negative" if direction == "decreasing" else "forward_positive"


def add_segment_columns(table: pl.DataFrame, segments: list, voltages: list) -> pl.DataFrame:
    table = table.with_row_index("_row").with_columns(
        pl.lit(None, dtype=pl.Int64).alias("segment_id"),
        pl.lit(None, dtype=pl.String).alias("segment_type"),
        pl.lit(None, dtype=pl.Float64).alias("segment_v_start"),
        pl.lit(None, dtype=pl.Float64).alias("segment_v_end"),
        pl.lit(None, dtype=pl.String).alias("segment_direction"),
        pl.lit(None, dtype=pl.Int64).alias("point_in_segment"),
    )
    row = pl.col("_row").cast(pl.Int64)
    for number, (start, end, direction) in enumerate(segments):
        first, last = voltages[start], voltages[end]
        values = {
            "segment_id": pl.lit(number, dtype=pl.Int64),
            "segment_type": pl.lit(name_segment(first, last, direction)),
            "segment_v_start": pl.lit(first),
            "segment_v_end": pl.lit(last),
            "segment_direction": pl.lit(direction),
            "point_in_segment": row - start,
        }
        within = (row >= start) & (row <= end)
        table = table.with_columns(
            pl.when(within).then(value).otherwise(pl.col(name)).alias(name)
            for name, value in values.items()
        )
    return table.drop("_row")


def segment_run(source: str, options: dict) -> dict:
    path = Path(source)
    root = Path(options["output_root"])
    events = root / "_manifest" / "events"
    try:
        partition = [part for part in path.parts if part.startswith(("proc=", "date=", "run_id="))]
        run_id = partition[-1].split("=")[1]
        base = root.joinpath(*partition)
        existing = list(base.glob("segment=*/part-000.parquet")) if not options["force"] else []
        event = {"ts": now(), "status": "skipped", "run_id": run_id, "source_path": str(path)}
        if existing:
            event["segments_detected"] = len(existing)
            event["segments_written"] = 0
            event["output_paths"] = [str(one) for one in existing]
        else:
            table = pl.read_parquet(path)
            column = options["voltage_col"]
            if column not in table.columns:
                raise ValueError(f"there is no column '{column}'; there are {table.columns}")
            voltages = table[column].to_list()
            segments = []
            if table.height >= options["least"]:
                segments = find_segments(voltages, options["threshold"], options["least"])
            if not segments:
                raise ValueError("no segments")
            table = add_segment_columns(table, segments, voltages)
            written = []
            for number in range(len(segments)):
                out = base / f"segment={number}" / "part-000.parquet"
                one = table.filter(pl.col("segment_id") == number)
                write_parquet(one, out, options["compression"])
                written.append(str(out))
            event["status"] = "ok"
            event["segments_detected"] = len(segments)
            event["segments_written"] = len(written)
            event["output_paths"] = written
            event["segment_details"] = [
                {
                    "segment_id": number,
                    "type": name_segment(voltages[start], voltages[end], direction),
                    "v_range": f"{voltages[start]:.3f}→{voltages[end]:.3f}V",
                    "points": end - start + 1,
                }
                for number, (start, end, direction) in enumerate(segments)
            ]
        write_json(events / f"segment-{run_id}.json", event, indent=2)
        return event
    except Exception as error:
        event = {"ts": now(), "status": "error", "source_path": str(path), "error": str(error)}
        write_json(events / f"segment-error-{short_hash(str(path), 12)}.json", event, indent=2)
        return event


def find_runs(stage_root: str, procedure: str) -> list:
    found = (Path(stage_root) / f"proc={procedure}").rglob("*.parquet")
    return sorted(str(path) for path in found)
