"""Compares the Parquet files below two roots: a sample cell by cell, all by sums.

    python compare.py ROOT ROOT SAMPLE

Segments name the staged file's own columns, so nothing in them tells whose they are but the paths of
the roots, which are in no column. Exit code 1 where the two are different.
"""

import sys
from pathlib import Path

import polars as pl


def files_below(root: Path) -> list:
    return sorted(str(path.relative_to(root)) for path in root.glob("proc=*/**/*.parquet"))


def read(root: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(root / name, hive_partitioning=False)


def sums(root: Path, names: list) -> dict:
    """Rows and the sum of each number column, in the same order of files for both."""
    totals = {"rows": 0}
    for name in names:
        table = read(root, name)
        totals["rows"] += table.height
        for column in table.select(pl.selectors.numeric()).columns:
            values = table[column].fill_nan(None) if table[column].dtype.is_float() else table[column]
            totals[column] = totals.get(column, 0) + (values.sum() or 0)
            missing = f"{column} missing"
            totals[missing] = totals.get(missing, 0) + values.null_count()
    return totals


def main() -> None:
    one, other = Path(sys.argv[1]), Path(sys.argv[2])
    sample = int(sys.argv[3])
    names = files_below(one)
    if names != files_below(other):
        sys.exit(f"different files: {len(names)} and {len(files_below(other))}")
    every = max(1, len(names) // sample)
    chosen = names[::every]
    for name in chosen:
        a, b = read(one, name), read(other, name)
        if a.schema != b.schema or not a.equals(b, null_equal=True):
            sys.exit(f"different: {name}")
    here, there = sums(one, names), sums(other, names)
    if here != there:
        sys.exit(f"different sums: {here} and {there}")
    print(
        f"{len(names)} files with {here['rows']} rows are the same by {len(here)} sums, "
        f"{len(chosen)} of them cell by cell"
    )


if __name__ == "__main__":
    main()
