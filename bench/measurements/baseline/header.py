"""The header of an instrument file: procedure, parameters, metadata, and where the table begins."""

import datetime as dt
import hashlib
import re
from pathlib import Path
from zoneinfo import ZoneInfo

PROCEDURE = re.compile(r"^#\s*Procedure\s*:\s*<([^>]+)>\s*$", re.I)
PARAMETERS = re.compile(r"^#\s*Parameters\s*:\s*$", re.I)
METADATA = re.compile(r"^#\s*Metadata\s*:\s*$", re.I)
DATA = re.compile(r"^#\s*Data\s*:\s*$", re.I)
ENTRY = re.compile(r"^#\s*([^:]+):\s*(.*?)\s*$")
NUMBER_WITH_UNIT = re.compile(r"^\s*([-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*\S*\s*$")
TRUE_WORDS = {"1", "true", "yes", "on", "y"}


class Header:
    def __init__(self):
        self.procedure = None
        self.parameters = {}
        self.metadata = {}
        self.data_line = None


def read_header(path: Path) -> Header:
    header = Header()
    block = None
    with path.open("r", encoding="utf-8", errors="ignore") as lines:
        for number, line in enumerate(lines):
            line = line.strip()
            if DATA.match(line):
                header.data_line = number + 1
                break
            found = PROCEDURE.match(line)
            if found:
                header.procedure = found.group(1).split(".")[-1].strip()
            elif PARAMETERS.match(line):
                block = header.parameters
            elif METADATA.match(line):
                block = header.metadata
            elif block is not None:
                entry = ENTRY.match(line)
                if entry:
                    block[entry.group(1).strip()] = entry.group(2)
    if "Start time" in header.parameters:
        header.metadata.setdefault("Start time", header.parameters["Start time"])
    return header


def cast_value(text: str, wanted: str):
    """The value in its declared type; the text as it is where it does not fit."""
    try:
        if wanted in ("float", "int"):
            found = NUMBER_WITH_UNIT.match(text)
            number = float(found.group(1)) if found else float(text)
            return int(number) if wanted == "int" else number
        if wanted == "float_no_unit":
            return float(text)
        if wanted == "bool":
            return text.strip().lower() in TRUE_WORDS
        if wanted == "datetime":
            return parse_time(text) or text
    except ValueError:
        pass
    return text


def cast_block(block: dict, types: dict) -> dict:
    return {key: cast_value(text, types.get(key, "str")) for key, text in block.items()}


def parse_time(text):
    if isinstance(text, dt.datetime):
        return text
    if text is None:
        return None
    try:
        return dt.datetime.fromtimestamp(float(text), tz=dt.timezone.utc)
    except (ValueError, OverflowError):
        pass
    try:
        found = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if found.tzinfo is None:
        found = found.replace(tzinfo=dt.timezone.utc)
    return found.astimezone(dt.timezone.utc)


def date_in_path(path: Path):
    for pattern in (r"\b(\d{4})[-_](\d{2})[-_](\d{2})\b", r"\b(\d{4})(\d{2})(\d{2})\b"):
        found = re.search(pattern, str(path))
        if found:
            try:
                return dt.date(*map(int, found.groups()))
            except ValueError:
                continue
    return None


def resolve_start(path: Path, metadata: dict, zone: ZoneInfo):
    """Start in UTC, local date, and where they are from."""
    start = parse_time(metadata.get("Start time"))
    if start is not None:
        return start, start.astimezone(zone).date().isoformat(), "meta"
    date = date_in_path(path)
    if date is not None:
        midnight = dt.datetime.combine(date, dt.time(), tzinfo=zone)
        return midnight.astimezone(dt.timezone.utc), date.isoformat(), "path"
    changed = dt.datetime.fromtimestamp(path.stat().st_mtime, tz=dt.timezone.utc)
    return changed, changed.astimezone(zone).date().isoformat(), "mtime"


def short_hash(text: str, length: int = 16) -> str:
    return hashlib.sha1(text.encode()).hexdigest()[:length]
