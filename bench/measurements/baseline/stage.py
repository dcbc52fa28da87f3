"""Stage 1: instrument files to Parquet, one task a file."""

import datetime as dt
import json
import os
import re
import tempfile
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import yaml

from header import cast_block, read_header, resolve_start, short_hash

_procedures = {}


def load_procedures(path: str) -> dict:
    """Once in each worker."""
    if path not in _procedures:
        with open(path, encoding="utf-8") as file:
            _procedures[path] = yaml.safe_load(file)["procedures"]
    return _procedures[path]


def read_table(path: Path, data_line) -> pl.DataFrame:
    options = {
        "has_header": True,
        "infer_schema_length": 10000,
        "try_parse_dates": False,
        "low_memory": True,
        "truncate_ragged_lines": True,
    }
    try:
        return pl.read_csv(path, comment_prefix="#", **options)
    except Exception:
        # Without the marker there is nothing to skip to, and the header would become a table.
        if data_line is None:
            raise
        return pl.read_csv(path, skip_rows=data_line, **options)


def plain(name: str) -> str:
    return re.sub(r"[\s_\-()\[\]]", "", name.strip().lower())


def type_columns(table: pl.DataFrame, declared: dict, only_declared: bool) -> pl.DataFrame:
    by_plain = {plain(name): name for name in table.columns}
    renames = {by_plain[plain(name)]: name for name in declared if plain(name) in by_plain}
    table = table.rename(renames)
    if only_declared:
        table = table.select([name for name in declared if name in table.columns])
    numbers = [
        name
        for name in table.columns
        if declared.get(name) in ("float", "float_no_unit") or table[name].dtype.is_numeric()
    ]
    return table.with_columns([pl.col(name).cast(pl.Float64, strict=False) for name in numbers])


def as_float(value):
    try:
        return None if value is None else float(value)
    except (TypeError, ValueError):
        return None


def write_parquet(table: pl.DataFrame, path: Path, compression: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("wb", delete=False, dir=path.parent) as file:
        temporary = Path(file.name)
    try:
        table.write_parquet(temporary, compression=compression)
        temporary.replace(path)
    except Exception:
        temporary.unlink(missing_ok=True)
        raise


def write_json(path: Path, value, indent=None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=False, default=str, indent=indent)


def now() -> dt.datetime:
    return dt.datetime.now(tz=dt.timezone.utc)


def stage_file(source: str, options: dict) -> dict:
    path = Path(source)
    root = Path(options["stage_root"])
    try:
        header = read_header(path)
        if not header.procedure:
            raise RuntimeError("there is no '#Procedure:' line")
        declared = load_procedures(options["procedures"]).get(header.procedure) or {}
        parameters = cast_block(header.parameters, declared.get("Parameters") or {})
        metadata = cast_block(header.metadata, declared.get("Metadata") or {})
        start, date, origin = resolve_start(path, metadata, ZoneInfo(options["local_tz"]))
        run_id = short_hash(f"{path.as_posix()}|{start.timestamp()}")
        table = read_table(path, header.data_line)
        if table.height == 0:
            raise RuntimeError("empty data table")
        table = type_columns(table, declared.get("Data") or {}, options["only_yaml_data"])
        wavelength = as_float(parameters.get("Laser wavelength"))
        volts = as_float(parameters.get("Laser voltage"))
        text = lambda name: (
            None if parameters.get(name) is None else str(parameters[name])
        )
        partition = root / f"proc={header.procedure}" / f"date={date}" / f"run_id={run_id}"
        out = partition / "part-000.parquet"
        event = {
            "ts": now(),
            "status": "ok",
            "run_id": run_id,
            "proc": header.procedure,
            "rows": table.height,
            "path": str(out),
            "source_file": str(path),
            "date_origin": origin,
        }
        if out.exists() and not options["force"]:
            event["status"] = "skipped"
        else:
            with_light = wavelength is not None and volts is not None and volts != 0.0
            table = table.with_columns(
                pl.lit(run_id).alias("run_id"),
                pl.lit(header.procedure).alias("proc"),
                pl.lit(start).alias("start_dt"),
                pl.lit(str(path)).alias("source_file"),
                pl.lit(with_light).alias("with_light"),
                pl.lit(wavelength, dtype=pl.Float64).alias("wavelength_nm"),
                pl.lit(volts, dtype=pl.Float64).alias("laser_voltage_V"),
                pl.lit(text("Chip group name"), dtype=pl.String).alias("chip_group"),
                pl.lit(text("Chip number"), dtype=pl.String).alias("chip_number"),
                pl.lit(text("Sample"), dtype=pl.String).alias("sample"),
                pl.lit(text("Procedure version"), dtype=pl.String).alias("procedure_version"),
            )
            write_parquet(table, out, options["compression"])
        write_json(root / "_manifest" / "events" / f"event-{run_id}.json", event)
        return event
    except Exception as error:
        name = f"{path.stem}-{short_hash(path.as_posix(), 12)}.reject.json"
        record = {"source_file": str(path), "error": str(error), "ts": now().isoformat()}
        write_json(root.parent / "_rejects" / name, record, indent=2)
        return {"status": "reject", "source_file": str(path), "error": str(error)}


def merge_events(events: Path, pattern: str, manifest: Path, keys: list) -> None:
    rows = []
    for path in sorted(events.glob(pattern)):
        row = json.loads(path.read_text(encoding="utf-8"))
        if "segment_details" in row:
            row["segment_details"] = json.dumps(row["segment_details"])
        rows.append(row)
    if not rows:
        return
    table = pl.DataFrame(rows, infer_schema_length=None)
    if manifest.exists():
        table = pl.concat([pl.read_parquet(manifest), table], how="diagonal_relaxed")
        table = table.unique(subset=keys, keep="last", maintain_order=True)
    table.write_parquet(manifest)


def find_sources(root: str) -> list:
    return sorted(
        os.path.join(folder, name)
        for folder, _, names in os.walk(root)
        for name in names
        if name.endswith(".csv") and not name.startswith("._")
    )
