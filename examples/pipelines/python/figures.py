"""The stages of a pipeline as Python functions. A stage calls one with one item, a dict."""

import csv
import json
import statistics
from pathlib import Path


def figures(item):
    """Mean, spread and outliers of a station's readings, as JSON."""
    with open(item["in"], newline="") as file:
        levels = [float(row["level_cm"]) for row in csv.DictReader(file) if row["level_cm"]]
    mean = statistics.fmean(levels)
    spread = statistics.stdev(levels)
    far = item["params"]["outlier"]["deviations"] * spread
    outliers = [level for level in levels if abs(level - mean) > far]
    result = {
        "station": Path(item["in"]).stem,
        "readings": len(levels),
        "mean_cm": round(mean, 2),
        "spread_cm": round(spread, 2),
        "outliers": outliers,
    }
    return json.dumps(result, indent=2) + "\n"


def table(item):
    """One line a station. `inputs` are the outputs of the stage before."""
    with open(item["out"], "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["station", "readings", "mean_cm", "outliers"])
        for path in item["inputs"]:
            one = json.loads(Path(path).read_text())
            writer.writerow(
                [one["station"], one["readings"], one["mean_cm"], len(one["outliers"])]
            )
