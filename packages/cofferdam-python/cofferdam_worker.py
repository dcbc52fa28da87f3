"""A Python worker for Cofferdam: runs the functions of one file for a pool.

The pool starts it as `python -u cofferdam_worker.py FILE` and speaks to it over descriptor 3
(docs/reference/protocol.md). The functions of FILE import from here what they need to know about
their task:

    from cofferdam_worker import current_task

One task runs at a time, in the main thread. Nothing is read while it runs, unless it asks.
"""

from __future__ import annotations  # Python 3.9 or newer is needed

OLDEST_PYTHON: tuple = (3, 9)  # Python 3.9 or newer is needed

import array
import faulthandler
import importlib.machinery
import importlib.util
import json
import math
import os
import signal
import socket
import struct
import sys
import threading
from collections import OrderedDict, deque
from contextvars import ContextVar
from json.encoder import encode_basestring_ascii
from time import perf_counter, time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, NoReturn, Optional, Union

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Iterable, Sequence

__all__ = ["Cache", "CofferdamError", "Permit", "Task", "TaskCancelled", "current_task"]

# What a worker's functions use


class CofferdamError(Exception):
    """An error of Cofferdam's own; `code` is one of docs/reference/errors.md."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class TaskCancelled(CofferdamError):
    """The caller has cancelled the task, which had asked to be told."""

    def __init__(self) -> None:
        super().__init__("CANCELLED", "the caller cancelled the task")


def current_task() -> Task:
    """The task that the calling code runs for. Raises RuntimeError outside of one."""
    task = _task_of_coroutine.get() or (_worker and _worker.running_task())
    if not task:
        raise RuntimeError("current_task() was called outside of a worker's task")
    return task


class Task:
    """What a worker's function can learn about the task it runs for, and say to its caller."""

    def __init__(self, worker: Worker, id: int) -> None:
        self._worker = worker
        self._id = id
        self._scratch: Optional[str] = None
        self._abortable = False
        self._cancelled = False
        self._ended = False

    @property
    def id(self) -> int:
        """A number that no other task of this worker has."""
        return self._id

    @property
    def scratch(self) -> str:
        """A private folder; made when first asked for, removed when the task ends."""
        if self._scratch is None:
            self._scratch = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"i{self._id}")
            os.mkdir(self._scratch, 0o700)
        return self._scratch

    @property
    def cancelled(self) -> bool:
        """Whether the caller has cancelled the task.

        Who asks is given the pool's `grace` to end by itself, and the worker lives on; a task that
        never asks is ended together with its worker. Cheap enough to ask in a loop.
        """
        self.make_abortable()
        if not self._cancelled:
            self._worker.look()
        return self._cancelled

    def raise_if_cancelled(self) -> None:
        """Raises TaskCancelled once the caller has cancelled the task. See `cancelled`."""
        if self.cancelled:
            raise TaskCancelled

    def send(self, value: Any) -> None:
        """Hands a value to the caller's `onMessage` while the task runs."""
        text, parts, _ = encode(value)
        self._worker.channel.send(f'{{"t":"message","id":{self._id},"value":{text}}}', parts)

    def progress(self, fraction: float, note: Optional[str] = None) -> None:
        """Tells the caller's `onProgress` how far the task is, from 0 to 1."""
        message = {"t": "progress", "id": self._id, "fraction": float(fraction)}
        self._worker.channel.send(dump(message if note is None else {**message, "note": note}))

    def call(self, service: str, request: Any) -> Any:
        """Asks a service of the pool's own process, and waits for the answer.

        Any thread may. In a coroutine use `acall`, which lets others go on meanwhile.
        """
        return self._worker.ask(self, service, request)

    async def acall(self, service: str, request: Any) -> Any:
        """`call` for coroutines."""
        return await self._worker.ask_async(self, service, request)

    def limit(self, name: str, units: int = 1) -> Permit:
        """A permit of the limiter that the scope has opened by that name.

        `with` or `async with` waits for it and gives it back. `units` is what the call will use, as
        far as is known.
        """
        return Permit(self, name, units)

    def cache(self, name: str) -> Cache:
        """The cache that the scope has opened by that name."""
        return Cache(self, name)

    def make_abortable(self) -> None:
        if not self._abortable:
            self._abortable = True
            self._worker.channel.send(f'{{"t":"abortable","id":{self._id}}}')

    def cancel(self) -> None:
        self._cancelled = True

    def refuse_to_wait(self) -> None:
        """Nobody gets an answer any more whose task is over."""
        if self._ended:
            raise CofferdamError("CANCELLED", "the task has ended")
        if self._cancelled and self._abortable:
            raise TaskCancelled

    def end(self) -> None:
        """Removes what belongs to the task alone."""
        self._ended = True
        if self._scratch is not None:
            import shutil

            try:
                shutil.rmtree(self._scratch)
            except FileNotFoundError:
                pass  # the task may have made it its result, by moving it there


class Permit:
    """The right to one call, held inside a `with` or `async with` block."""

    _last_number = 0

    def __init__(self, task: Task, name: str, units: int) -> None:
        self.units = units
        self._task = task
        self._name = name
        Permit._last_number += 1
        self._number = Permit._last_number
        self._held = False

    def used(self, units: int) -> None:
        """What the call has really used, when that is known."""
        self._tell("used", units=units)

    def retry_after(self, after: float | str | None = None) -> None:
        """The other side has refused the call (429): everybody waits.

        Takes seconds, or a `Retry-After` header as it came (seconds, or a date); without any,
        pauses grow from refusal to refusal.
        """
        seconds = _seconds_from_now(after)
        self._tell("pause", **({} if seconds is None else {"ms": seconds * 1000}))

    def release(self) -> None:
        """Gives it back before the block ends."""
        if self._held:
            self._tell("release")
            self._held = False

    def __enter__(self) -> Permit:
        try:
            self._task.call("limit", self._acquire())
        except BaseException:
            self._give_up()
            raise
        self._held = True
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    async def __aenter__(self) -> Permit:
        try:
            await self._task.acall("limit", self._acquire())
        except BaseException:
            self._give_up()
            raise
        self._held = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self.release()

    def _acquire(self) -> dict[str, Any]:
        return {"op": "acquire", "name": self._name, "units": self.units, "permit": self._number}

    def _give_up(self) -> None:
        self._task._worker.tell_service(self._task, "limit", {"op": "cancel", "permit": self._number})

    def _tell(self, op: str, **more: Any) -> None:
        if not self._held:
            raise CofferdamError("CLOSED", "the permit was given back already")
        request = {"op": op, "permit": self._number, **more}
        self._task._worker.tell_service(self._task, "limit", request)


def _seconds_from_now(after: float | str | None) -> Optional[float]:
    if after is None:
        return None
    if isinstance(after, str):
        text = after.strip()
        try:
            seconds = float(text)
        except ValueError:
            seconds = _seconds_until(text)
    else:
        seconds = float(after)
    if not math.isfinite(seconds):
        raise CofferdamError(
            "INVALID_ARGUMENT",
            f"{after!r} is no time to wait: give seconds, or a Retry-After header",
        )
    return min(86_400.0, max(0.0, seconds))


def _seconds_until(date: str) -> float:
    from email.utils import parsedate_to_datetime

    try:
        return parsedate_to_datetime(date).timestamp() - time()
    except (TypeError, ValueError, IndexError):
        return math.nan


# What is stored under no key.
_NOTHING: Any = object()


class Cache:
    """A cache of the pool's scope. Each method has a twin for coroutines, whose name begins with a."""

    _last_claim = 0
    _files: dict[str, _CacheFile] = {}

    def __init__(self, task: Task, name: str) -> None:
        self._task = task
        self._name = name

    def get(self, key: Any, default: Any = None) -> Any:
        """The stored value, or `default`."""
        file = self._file()
        hashed = file.hash(key)
        value = self._read(file, hashed)
        if value is not _NOTHING:
            return value
        found = self._ask("get", key=hashed)
        return unpack(found["value"]) if "value" in found else default

    async def aget(self, key: Any, default: Any = None) -> Any:
        file = await self._afile()
        hashed = file.hash(key)
        value = self._read(file, hashed)
        if value is not _NOTHING:
            return value
        found = await self._aask("get", key=hashed)
        return unpack(found["value"]) if "value" in found else default

    def set(self, key: Any, value: Any) -> None:
        """Returns when it is stored."""
        self._ask("set", key=self._file().hash(key), value=pack(value))

    async def aset(self, key: Any, value: Any) -> None:
        await self._aask("set", key=(await self._afile()).hash(key), value=pack(value))

    def get_or_compute(self, key: Any, compute: Callable[[], Any]) -> Any:
        """The stored value, or else what `compute` gives.

        However many ask for a key at once, in workers and other processes, one computes and the
        rest wait; if that one dies, another takes over.
        """
        file = self._file()
        hashed = file.hash(key)
        value = self._read(file, hashed)
        if value is not _NOTHING:
            return value
        claim = self._next_claim()
        found = self._ask("claim", key=hashed, claim=claim)
        file.follow(found["file"])
        if "value" in found:
            return unpack(found["value"])
        try:
            value = compute()
            packed = pack(value)
        except BaseException as error:
            self._tell("fail", claim=claim, message=_safe_text(error))
            raise
        self._ask("put", claim=claim, value=packed)
        return value

    async def aget_or_compute(self, key: Any, compute: Callable[[], Awaitable[Any]]) -> Any:
        file = await self._afile()
        hashed = file.hash(key)
        value = self._read(file, hashed)
        if value is not _NOTHING:
            return value
        claim = self._next_claim()
        try:
            found = await self._aask("claim", key=hashed, claim=claim)
        except BaseException:
            self._tell("cancel", claim=claim)
            raise
        file.follow(found["file"])
        if "value" in found:
            return unpack(found["value"])
        try:
            value = await compute()
            packed = pack(value)
        except BaseException as error:
            self._tell("fail", claim=claim, message=_safe_text(error))
            raise
        await self._aask("put", claim=claim, value=packed)
        return value

    def _ask(self, op: str, **request: Any) -> dict[str, Any]:
        return self._task.call("cache", {"op": op, "name": self._name, **request})

    async def _aask(self, op: str, **request: Any) -> dict[str, Any]:
        return await self._task.acall("cache", {"op": op, "name": self._name, **request})

    def _tell(self, op: str, **request: Any) -> None:
        self._task._worker.tell_service(self._task, "cache", {"op": op, "name": self._name, **request})

    def _file(self) -> _CacheFile:
        """The same for as long as the worker lives."""
        if self._name not in self._files:
            self._files[self._name] = _CacheFile(**self._ask("open"))
        return self._files[self._name]

    async def _afile(self) -> _CacheFile:
        if self._name not in self._files:
            self._files[self._name] = _CacheFile(**await self._aask("open"))
        return self._files[self._name]

    def _read(self, file: _CacheFile, hashed: bytes) -> Any:
        value = file.read(hashed)
        used = file.take_used()
        if used:
            self._tell("touch", keys=used)  # the pool alone writes
        return value

    @staticmethod
    def _next_claim() -> int:
        Cache._last_claim += 1
        return Cache._last_claim


class _CacheFile:
    """What this process knows of a cache.

    It reads the cache's file itself: what is stored needs no question to the pool. What was read
    before comes from memory for as long as nobody has written. Any thread may use it.
    """

    _MEMORY_BYTES_MAX = 32 * 1024 * 1024
    # The pool writes down what it is told was used, and what is in memory is read anew then: not
    # more often than it matters for what goes first one day.
    _TELL_USED_EVERY = 10.0
    # A clock that was set back by more than this makes ages unknown; smaller steps are usual.
    _CLOCK_STEP_MS = 60_000

    def __init__(self, version: str, file: str) -> None:
        from hashlib import sha256

        self._hash_of_version = sha256(canonical(version, "version"))
        self._file = file
        self._lock = threading.Lock()
        self._connection: Any = None
        self._crc32: Any = None
        self._unreadable: Optional[str] = None
        # What was used last comes last.
        self._memory: OrderedDict[bytes, _StoredValue] = OrderedDict()
        self._memory_bytes = 0
        self._remembered: Any = None  # the file's version that the memory is of
        self._used: set[bytes] = set()
        self._told_at = perf_counter()

    def hash(self, key: Any) -> bytes:
        hashing = self._hash_of_version.copy()
        hashing.update(canonical(key, "key"))
        return hashing.digest()

    def follow(self, file: str) -> None:
        """The pool has moved to another file."""
        if file == self._file:
            return
        with self._lock:
            self._file = file
            self._close()

    def read(self, hashed: bytes) -> Any:
        """_NOTHING too for whatever cannot be read: the pool is asked then, and can."""
        if self._unreadable == self._file:
            return _NOTHING
        with self._lock:
            try:
                stored = self._find(hashed)
            except Exception:
                self._close()
                return _NOTHING
            if stored is None or not stored.is_fresh(self._CLOCK_STEP_MS):
                return _NOTHING
            self._used.add(hashed)
        return stored.value()

    def take_used(self) -> bytes:
        """The keys that were read since it was told the last time, one after the other, or nothing."""
        now = perf_counter()
        if now - self._told_at < self._TELL_USED_EVERY:
            return b""
        with self._lock:
            self._told_at = now
            used, self._used = self._used, set()
        return b"".join(used)

    def _find(self, hashed: bytes) -> Optional[_StoredValue]:
        connection = self._connection or self._open()
        ((version,),) = connection.execute("PRAGMA data_version").fetchall()
        if version != self._remembered:
            self._forget()
            self._remembered = version
        stored = self._memory.get(hashed)
        if stored is not None:
            self._memory.move_to_end(hashed)
            return stored
        # All rows are fetched, so that no transaction stays open.
        rows = connection.execute(
            "SELECT value, crc, stored_at, expires_at FROM entries WHERE key = ?", (hashed,)
        ).fetchall()
        if not rows or self._crc32(rows[0][0]) != rows[0][1]:  # bytes can rot on a disk
            return None
        value, _, stored_at, expires_at = rows[0]
        stored = self._memory[hashed] = _StoredValue(value, stored_at, expires_at)
        self._memory_bytes += stored.size
        while self._memory_bytes > self._MEMORY_BYTES_MAX:
            self._memory_bytes -= self._memory.popitem(last=False)[1].size
        return stored

    def _open(self) -> Any:
        try:
            import sqlite3  # not every Python has it
            from pathlib import Path
            from zlib import crc32

            self._crc32 = crc32
            self._connection = sqlite3.connect(
                f"{Path(self._file).as_uri()}?mode=ro",
                uri=True,
                timeout=0,
                isolation_level=None,
                check_same_thread=False,
            )
        except Exception:
            self._unreadable = self._file
            raise
        return self._connection

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        self._forget()
        if connection is not None:
            connection.close()

    def _forget(self) -> None:
        self._memory.clear()
        self._memory_bytes = 0
        self._remembered = None


class _StoredValue:
    """The bytes of a stored value, whose header was read: each who asks is made one of his own."""

    __slots__ = ("size", "_body", "_expires_at", "_lengths", "_stored_at", "_value")

    def __init__(self, stored: bytes, stored_at: int = 0, expires_at: Optional[int] = None) -> None:
        (length,) = struct.unpack_from("<I", stored)
        header = parse(stored[4 : 4 + length])
        self.size = len(stored)
        self._body = memoryview(stored)[4 + length :]
        self._value, self._lengths = header["value"], header["parts"]
        self._stored_at, self._expires_at = stored_at, expires_at

    def value(self) -> Any:
        return decode(self._value, cut_parts(self._body, self._lengths))

    def is_fresh(self, clock_step_ms: int) -> bool:
        if self._expires_at is None:
            return True
        return self._stored_at - clock_step_ms <= time() * 1000 < self._expires_at


def canonical(value: Any, place: str, above: tuple[Any, ...] = ()) -> bytes:
    """A key in the one form that all languages share (docs/reference/services.md#keys)."""
    if value is None or isinstance(value, bool):
        return b"z" if value is None else b"t" if value else b"f"
    if isinstance(value, str):
        return b"s" + _counted(str.__str__(value), place)
    if isinstance(value, int):
        return b"n" + struct.pack("<d", value) if abs(value) <= _EXACT_MAX else _big(value, place)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise _no_key(place, str(value))
        return b"n" + struct.pack("<d", value or 0.0)
    if isinstance(value, (list, tuple, dict)):
        if any(value is one for one in above):
            raise _no_key(place, "part of a cycle")
        above = (*above, value)
        if isinstance(value, dict):
            return _canonical_dict(value, place, above)
        items = (canonical(item, f"{place}[{at}]", above) for at, item in enumerate(value))
        return b"a" + struct.pack("<I", len(value)) + b"".join(items)
    parts: list[Part] = []
    try:
        encoded = _encode_binary(value, place, parts)
    except CofferdamError:
        raise _no_key(place, _describe_kind(value)) from None
    if not parts:  # a scalar of numpy's
        return canonical(encoded, place)
    size = struct.pack("<I", parts[0].nbytes)
    return b"b" + _counted(encoded["type"], place) + size + parts[0].tobytes()


def _canonical_dict(value: dict[Any, Any], place: str, above: tuple[Any, ...]) -> bytes:
    form = [b"o", struct.pack("<I", len(value))]
    for key in value:
        if not isinstance(key, str):
            raise _no_key(place, f"a dict with the key {_safe_repr(key)}")
    for key in sorted(value, key=lambda name: name.encode("utf-8", "surrogatepass")):
        form += (_counted(key, place), canonical(value[key], f"{place}.{key}", above))
    return b"".join(form)


def _big(value: int, place: str) -> bytes:
    return b"i" + _counted(str(value), place)


def _counted(text: str, place: str) -> bytes:
    try:
        data = text.encode()
    except UnicodeEncodeError:
        raise _no_key(place, "text with half a character") from None
    return struct.pack("<I", len(data)) + data


def _no_key(place: str, what: str) -> CofferdamError:
    return CofferdamError(
        "INVALID_ARGUMENT",
        f"{place} is {what}, which cannot be part of a cache's key; "
        "give dicts, lists, str, finite numbers, bool, None or numeric arrays",
    )


def pack(value: Any) -> bytes:
    """A value as it is stored (docs/reference/services.md#stored-values)."""
    text, parts, _ = encode(value)
    lengths = ",".join(str(part.nbytes) for part in parts)
    header = f'{{"value":{text},"parts":[{lengths}]}}'.encode()
    return b"".join((struct.pack("<I", len(header)), header, *parts))


def unpack(stored: bytes) -> Any:
    return _StoredValue(stored).value()


# Values (docs/reference/protocol.md#values)

Part = memoryview
PartData = Union[bytes, bytearray]
_NO_PARTS: Sequence[Part] = ()

# JavaScript's numbers hold integers exactly up to here.
_EXACT_MAX = 2**53 - 1

_PLAIN_KINDS = {str, bool, type(None)}

# By struct's letter and size, which array.array and numpy use too.
_TYPE_NAMES = {
    **{(letter, 1): "Int8Array" for letter in "b"},
    **{(letter, 1): "Uint8Array" for letter in "Bc?"},
    **{(letter, size): f"Int{size * 8}Array" for letter in "hil" for size in (2, 4)},
    **{(letter, size): f"Uint{size * 8}Array" for letter in "HIL" for size in (2, 4)},
    **{(letter, 8): "BigInt64Array" for letter in "lqn"},
    **{(letter, 8): "BigUint64Array" for letter in "LQN"},
    ("f", 4): "Float32Array",
    ("d", 8): "Float64Array",
}
_LETTERS = {
    "Int8Array": "b",
    "Uint8Array": "B",
    "Uint8ClampedArray": "B",
    "Int16Array": "h",
    "Uint16Array": "H",
    "Int32Array": "i",
    "Uint32Array": "I",
    "BigInt64Array": "q",
    "BigUint64Array": "Q",
    "Float32Array": "f",
    "Float64Array": "d",
}

dump = json.JSONEncoder(separators=(",", ":"), check_circular=False, allow_nan=False).encode


def parse(text: bytes | bytearray) -> Any:
    """`json.loads`, but of JSON that is nested more deeply than functions can call each other too."""
    try:
        return json.loads(text)
    except RecursionError:
        return _parse_deep(str(text, "utf-8", "surrogatepass"))


# The stack has room for these wherever a message is read.
_LEVELS_AT_ONCE = 100


def _parse_deep(text: str) -> Any:
    """Cuts out what is so many levels deep, and so on inside of that. What is innermost is read first.

    NaN, which is no JSON and so is not sent, stands for what was cut out.
    """
    import re

    cut_out: deque[Any] = deque()
    read = json.JSONDecoder(parse_constant=lambda _: cut_out.popleft()).decode
    around: list[tuple[list[str], list[Any]]] = []
    texts: list[str] = []
    values: list[Any] = []
    depth = start = 0
    for found in re.finditer(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', text):
        mark = found[0]
        if mark in ("[", "{"):
            depth += 1
            if depth % _LEVELS_AT_ONCE == 0:
                texts.append(text[start : found.start()])
                around.append((texts, values))
                texts, values, start = [], [], found.start()
        elif mark in ("]", "}"):
            if depth % _LEVELS_AT_ONCE == 0 and around:
                texts.append(text[start : found.end()])
                cut_out.extend(values)
                value = read("".join(texts))
                texts, values = around.pop()
                texts.append("NaN")
                values.append(value)
                start = found.end()
            depth -= 1
    texts.append(text[start:])
    cut_out.extend(values)
    return read("".join(texts))


# From here on the quotes and escapes of JSON cost more than a part; and the other side can surely
# make a string of no more.
_LONG_TEXT_MIN = 16 * 1024
_LONG_TEXT_MAX = 2**27


def encode(value: Any, texts: bool = False) -> tuple[str, Sequence[Part], bool]:
    """The value's JSON, its binary parts, and whether JSON says it all. `texts`: long ones as parts.

    Raises NOT_SERIALIZABLE, naming the place, for what would arrive as something else.
    """
    parts: list[Part] = []
    try:
        if _is_plain(value):
            if not texts or not _has_long_text(value):
                return dump(value), _NO_PARTS, True
            return dump(_part_long_texts(value, parts)), parts, False
    except RecursionError:
        parts.clear()  # a cycle, most likely, which the careful way can name
    try:
        return dump(_encode(value, "value", parts, ())), parts, False
    except RecursionError:
        raise _unserializable("value", "nested too deeply") from None


def _is_plain(value: Any) -> bool:
    """Whether JSON carries the value without loss."""
    kind = type(value)
    if kind in _PLAIN_KINDS:
        return True
    if kind is int:
        return -_EXACT_MAX <= value <= _EXACT_MAX
    if kind is float:
        return math.isfinite(value)
    if kind is list or kind is tuple:
        return _are_plain(value)
    if kind is dict:
        return set(map(type, value)) <= {str} and "$" not in value and _are_plain(value.values())
    return False


def _are_plain(values: Iterable[Any]) -> bool:
    kinds = set(map(type, values))
    if kinds <= _PLAIN_KINDS:
        return True
    if kinds == {float}:
        return all(map(math.isfinite, values))
    if kinds == {int}:
        return -_EXACT_MAX <= min(values) and max(values) <= _EXACT_MAX
    return all(map(_is_plain, values))


def _has_long_text(value: Any) -> bool:
    """Of a plain value."""
    kind = type(value)
    if kind is str:
        return _LONG_TEXT_MIN <= len(value) <= _LONG_TEXT_MAX
    if kind is dict:
        return any(map(_has_long_text, value.values()))
    if kind is list or kind is tuple:
        return any(map(_has_long_text, value))
    return False


def _part_long_texts(value: Any, parts: list[Part]) -> Any:
    """The plain value with its long texts as parts."""
    kind = type(value)
    if kind is dict:
        return {key: _part_long_texts(item, parts) for key, item in value.items()}
    if kind is list or kind is tuple:
        return [_part_long_texts(item, parts) for item in value]
    if kind is not str or not _has_long_text(value):
        return value
    try:
        data = value.encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can say
        return value
    parts.append(memoryview(data))
    return {"$": "part", "i": len(parts) - 1, "type": "string"}


def _encode(value: Any, place: str, parts: list[Part], above: tuple[Any, ...]) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return _encode_int(int(value), place)
    if isinstance(value, float):
        return _encode_float(float(value))
    if isinstance(value, (list, tuple, dict)):
        if any(value is one for one in above):
            raise _unserializable(place, "part of a cycle")
        inside = (*above, value)
        if isinstance(value, dict):
            return _encode_dict(value, place, parts, inside)
        return [_encode(item, f"{place}[{at}]", parts, inside) for at, item in enumerate(value)]
    return _encode_binary(value, place, parts)


def _encode_int(value: int, place: str) -> Any:
    if -_EXACT_MAX <= value <= _EXACT_MAX:
        return value
    try:
        return {"$": "bigint", "v": str(value)}
    except ValueError:  # Python bounds the digits that it converts
        raise _unserializable(place, "an integer of too many digits") from None


def _encode_float(value: float) -> Any:
    if math.isfinite(value):
        return value
    name = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return {"$": "number", "v": name}


def _encode_dict(
    value: dict[Any, Any], place: str, parts: list[Part], above: tuple[Any, ...]
) -> Any:
    encoded = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise _unserializable(place, f"a dict with the key {_safe_repr(key)}; keys must be str")
        encoded[str.__str__(key)] = _encode(item, f"{place}.{key}", parts, above)
    return {"$": "object", "v": encoded} if "$" in encoded else encoded


def _encode_binary(value: Any, place: str, parts: list[Part]) -> Any:
    """bytes, bytearray, memoryview, array.array, numpy's arrays and scalars, ctypes' arrays, …"""
    try:
        view = memoryview(value)
    except (TypeError, ValueError, BufferError):
        raise _unserializable(place, _describe_kind(value)) from None
    letter = view.format.lstrip("@=" + ("<" if sys.byteorder == "little" else ">"))
    name = _TYPE_NAMES.get((letter, view.itemsize))
    if name is None or sys.byteorder != "little":
        raise _unserializable(place, _describe_kind(value))
    if view.ndim == 0:  # a scalar of numpy's
        return _encode(view.tolist(), place, parts, ())
    if not view.c_contiguous or view.nbytes == 0 or letter != view.format:
        data = memoryview(view.tobytes())
    else:
        data = view.cast("B")
    parts.append(data)
    part = {"$": "part", "i": len(parts) - 1, "type": name}
    return part if view.ndim == 1 else {**part, "shape": list(view.shape)}


def _describe_kind(value: Any) -> str:
    kind = type(value)
    dtype = getattr(value, "dtype", None)
    name = kind.__qualname__
    if kind.__module__ not in ("builtins", "__main__"):
        name = f"{kind.__module__}.{name}"
    return f"a {name}" if dtype is None else f"a {name} of {dtype}"


def _unserializable(place: str, what: str) -> CofferdamError:
    return CofferdamError(
        "NOT_SERIALIZABLE",
        f"{place} is {what}, which cannot be sent to another process; "
        "send dicts, lists, str, numbers, bytes or numeric arrays",
    )


def decode(value: Any, parts: Sequence[PartData]) -> Any:
    """The reverse of `encode`."""
    top = [value]
    copies: list[Any] = [top]
    # A loop: what arrives may be nested more deeply than functions can call each other.
    while copies:
        copy = copies.pop()
        for at, item in enumerate(copy) if type(copy) is list else copy.items():
            kind = type(item)
            if kind is dict and "$" in item:
                if item["$"] != "object":
                    copy[at] = _decode_special(item, parts)
                    continue
                item = item["v"]
            elif kind is not dict and kind is not list:
                continue
            # Still encoded inside. The original may be a cache's, which decodes it again.
            copy[at] = item = item.copy()
            copies.append(item)
    return top[0]


def _decode_special(value: dict[str, Any], parts: Sequence[PartData]) -> Any:
    special = value["$"]
    if special == "part":
        return _decode_part(parts[value["i"]], value["type"], value.get("shape"))
    if special == "number":
        return float(value["v"])
    if special == "bigint":
        return int(value["v"])
    if special == "undefined":
        return None
    raise ValueError(f"an unknown kind of value: {special}")


def _decode_part(part: PartData, name: str, shape: Optional[list[int]]) -> Any:
    if name == "string":
        return str(part, "utf-8")
    if name == "ArrayBuffer" or (name == "Uint8Array" and shape is None):
        return bytes(part)  # no copy of what is bytes already
    if type(part) is bytes:
        part = bytearray(part)  # arrays can be written to
    letter = _LETTERS[name]
    numpy = sys.modules.get("numpy")
    if numpy is not None and hasattr(numpy, "frombuffer"):
        flat = numpy.frombuffer(part, numpy.dtype(letter))
        return flat if shape is None else flat.reshape(shape)
    if shape is not None:
        return memoryview(part).cast("B").cast(letter, shape)
    numbers = array.array(letter)
    numbers.frombytes(part)
    return numbers


# Frames

_LENGTHS = struct.Struct("<II")
_FRAME_MAX = 2**31 - 1
_HEADER_MAX = 2**29
_READ_BYTES = 64 * 1024

Message = tuple


class BulkFile:
    """Large parts beside the socket (docs/reference/protocol.md#the-bulk-file): a file in memory.

    The pool writes into one ring of it and the worker into the other; a frame says where its parts
    lie. A position counts the bytes since the beginning. Whoever has no room uses the socket.
    """

    _PART_MIN = 16 * 1024
    _RING = 8 * 1024 * 1024
    _OUR_READ_AT, _THEIR_READ_AT, _ALLOWED_AT = 0, 8, 16
    _THEIRS, _OURS = 4096, 4096 + _RING

    def __init__(self, file: int) -> None:
        os.set_inheritable(file, False)
        self._file = file
        # The next part of ours is written at the head at the earliest; nothing before the start is
        # still to be read.
        self._head = self._start = 0
        self._allowed = False

    def put(self, part: Part) -> Optional[int]:
        """The part's position; None when it has no room."""
        size = part.nbytes
        if not self._PART_MIN <= size <= self._RING or not self._may_write():
            return None
        read = self._get(self._THEIR_READ_AT)
        if read > self._head:
            return None  # it cannot have read what was not written
        if read == self._head:  # all read: from the front again, where there is memory already
            self._start = self._head = self._next_round(read)
        fits = self._head % self._RING + size <= self._RING
        position = self._head if fits else self._next_round(self._head)
        if position + size - max(read, self._start) > self._RING:
            return None
        try:
            written = os.pwrite(self._file, part, self._OURS + position % self._RING)
        except OSError:  # no memory for it
            return None
        if written < size:
            return None
        self._head = position + size
        return position

    def take(self, place: list[Any]) -> bytes:
        """A part of the pool's."""
        position, size = place
        part = os.pread(self._file, size, self._THEIRS + position % self._RING)
        if len(part) < size:
            raise ProtocolError("a part that is not in the bulk file")
        os.pwrite(self._file, struct.pack("<Q", position + size), self._OUR_READ_AT)
        return part

    def close(self) -> None:
        os.close(self._file)

    def _may_write(self) -> bool:
        """The pool has given our ring its memory, which is not to be charged to us."""
        self._allowed = self._allowed or self._get(self._ALLOWED_AT) >= self._RING
        return self._allowed

    def _get(self, at: int) -> int:
        data = os.pread(self._file, 8, at)
        return int.from_bytes(data, "little") if len(data) == 8 else 0

    def _next_round(self, position: int) -> int:
        return -(-position // self._RING) * self._RING


class Channel:
    """Descriptor 3: frames from and to the pool."""

    def __init__(self) -> None:
        os.set_inheritable(3, False)
        self._socket = socket.socket(fileno=3)
        self._socket.setblocking(True)
        self._rest = b""
        self._sending = threading.Lock()
        self._bulk: Optional[BulkFile] = None

    def fileno(self) -> int:
        return self._socket.fileno()

    def use_bulk(self, file: int) -> None:
        """From now on large parts go by the bulk file, and come from there."""
        self._bulk = BulkFile(file)

    def close(self) -> None:
        self._socket.close()
        if self._bulk:
            self._bulk.close()

    def send(self, header: str, parts: Sequence[Part] = _NO_PARTS) -> None:
        """`header` is the JSON of an object that is not empty."""
        with self._sending:
            self._send(header, parts)

    def _send(self, header: str, parts: Sequence[Part]) -> None:
        size = 0
        if parts:
            header, parts = self._place(header, parts)
            size = sum(part.nbytes for part in parts)
        text = header.encode()
        length = 4 + len(text) + size
        if length > _FRAME_MAX or len(text) > _HEADER_MAX:
            raise CofferdamError(
                "NOT_SERIALIZABLE",
                f"a message of {length} bytes is more than can be sent; write a file and send its path",
            )
        head = _LENGTHS.pack(length, len(text)) + text
        if size <= _READ_BYTES:
            head, parts = b"".join((head, *parts)), _NO_PARTS
        try:
            self._socket.sendall(head)
            for part in parts:
                self._socket.sendall(part)
        except (BrokenPipeError, ConnectionResetError):
            os._exit(1)  # nobody wants any more what this process does

    def _place(self, header: str, parts: Sequence[Part]) -> tuple[str, list[Part]]:
        """The header with the places of the parts, and those that go by the socket."""
        inline: list[Part] = []
        places = []
        for part in parts:
            position = self._bulk.put(part) if self._bulk else None
            if position is None:
                inline.append(part)
                places.append(str(part.nbytes))
            else:
                places.append(f"[{position},{part.nbytes}]")
        return f'{header[:-1]},"parts":[{",".join(places)}]}}', inline

    def receive(self, wait: bool) -> list[Message]:
        """What has come: (header, parts) each. Ends the process at the end of the stream."""
        try:
            data = self._socket.recv(_READ_BYTES, 0 if wait else socket.MSG_DONTWAIT)
        except BlockingIOError:
            return []
        except ConnectionResetError:
            data = b""
        if not data:
            os._exit(0)  # nobody wants any more what this process does
        if self._rest:
            data = self._rest + data
        messages = []
        at = 0
        end = len(data)
        while end - at >= 8:
            length, header_length = _LENGTHS.unpack_from(data, at)
            if not 4 <= length <= _FRAME_MAX or header_length > min(length - 4, _HEADER_MAX):
                raise ProtocolError("something that is no frame")
            frame_end = at + 4 + length
            if frame_end > end:
                if length <= _READ_BYTES:
                    break
                rest = memoryview(data)[at + 8 :]
                messages.append(self._receive_large(rest, length - 4, header_length))
                at = end
                break
            header_end = at + 8 + header_length
            header = parse_header(data[at + 8 : header_end])
            places = header.get("parts")
            inside = memoryview(data)[header_end:frame_end]
            parts = cut_parts(inside, places, self._bulk) if places else []
            messages.append((header, parts))
            at = frame_end
        self._rest = data[at:]
        return messages

    def _receive_large(self, start: memoryview, length: int, header_length: int) -> Message:
        """A frame of which only the start is there: each part straight into memory of its own."""
        text, start = self._exactly(header_length, start)
        header = parse_header(text)
        length -= header_length
        parts = []
        for place in part_places(header.get("parts"), length):
            if type(place) is list:
                parts.append(take_bulk(self._bulk, place))
                continue
            part, start = self._exactly(place, start)
            length -= place
            parts.append(part)
        self._exactly(length, start)
        return header, parts

    def _exactly(self, size: int, start: memoryview) -> tuple[bytearray, memoryview]:
        """So many bytes, the first of them from `start`; and what is left of that."""
        buffer = bytearray(size)
        got = min(size, len(start))
        with memoryview(buffer) as view:
            view[:got] = start[:got]
            while got < size:
                count = self._socket.recv_into(view[got:], 0, socket.MSG_WAITALL)
                if count == 0:
                    os._exit(0)
                got += count
        return buffer, start[min(size, len(start)) :]


class ProtocolError(Exception):
    """The other side does not speak the protocol."""


def parse_header(text: bytes | bytearray) -> dict[str, Any]:
    try:
        header = parse(text)
    except ValueError:
        raise ProtocolError("a header that is no JSON") from None
    if type(header) is not dict:
        raise ProtocolError("a header that is no object")
    return header


def part_places(places: Any, room: int) -> list[Any]:
    """Of each part its length, or its place in the bulk file."""
    if places is None:
        return []
    if not isinstance(places, list):
        raise ProtocolError("parts that are no list")
    lengths = [one for one in places if type(one) is not list]
    if not all(map(_is_length, lengths)) or sum(lengths) > room:
        raise ProtocolError("a part beyond its frame")
    return places


def _is_length(value: Any) -> bool:
    return type(value) is int and value >= 0


def take_bulk(bulk: Optional[BulkFile], place: list[Any]) -> bytes:
    if bulk is None or len(place) != 2 or not all(map(_is_length, place)):
        raise ProtocolError("a part in a bulk file that there is not")
    return bulk.take(place)


def cut_parts(
    data: memoryview, places: Any, bulk: Optional[BulkFile] = None
) -> list[PartData]:
    parts: list[PartData] = []
    at = 0
    for place in part_places(places, len(data)):
        if type(place) is list:
            parts.append(take_bulk(bulk, place))
            continue
        parts.append(bytearray(data[at : at + place]))
        at += place
    return parts


# Errors


def describe_error(error: BaseException) -> dict[str, str]:
    """As the protocol has it: the class, the text, and Python's traceback without our own frames."""
    described = {"name": type(error).__name__, "message": _safe_text(error)}
    try:
        described["stack"] = _traceback_of(error)
    except Exception:  # its own methods can raise
        pass
    code = getattr(error, "code", None)
    if isinstance(error, OSError) and error.errno is not None:
        import errno

        code = errno.errorcode.get(error.errno)
    if isinstance(code, str):
        described["code"] = code
    return described


def _traceback_of(error: BaseException) -> str:
    import traceback

    # The whole first, so that what it was caused by is told too.
    told = traceback.TracebackException(type(error), error, _without_ours(error.__traceback__))
    return "".join(told.format()).rstrip()


def _without_ours(frames: Optional[TracebackType]) -> Optional[TracebackType]:
    while frames and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    return frames


def _safe_text(value: object) -> str:
    try:
        return str(value)
    except Exception:
        return f"a {type(value).__name__} that cannot be shown"


def _safe_repr(value: object) -> str:
    try:
        return repr(value)[:80]
    except Exception:
        return f"a {type(value).__name__}"


# Tasks

# Results are told at the latest so many seconds after the one before them.
_TELL_EVERY = 0.0005
# After so long without a look at the socket, one is taken before the next task starts.
_LOOK_EVERY = 0.001
_MEASURE_EVERY = 0.1

_task_of_coroutine: ContextVar[Optional[Task]] = ContextVar("task", default=None)
_worker: Optional[Worker] = None


class _Question:
    """A call of a service that waits for its answer."""

    def __init__(self, future: Optional[asyncio.Future[Any]] = None) -> None:
        self.future = future
        self.answered = False
        self.value: Any = None
        self.error: Optional[Exception] = None

    def answer(self, value: Any, error: Optional[Exception]) -> None:
        self.value, self.error = value, error
        self.answered = True
        if self.future is None or self.future.done():
            return
        if error is None:
            self.future.set_result(value)
        else:
            self.future.set_exception(error)


class Worker:
    """
    tasks -> queue -> one at a time -> results, told before the next task starts,
                                       or together where tasks take microseconds (`each: 0`)
    """

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self._functions: dict[str, Callable[..., Any]] = {}
        self._dispose: Optional[Callable[[], Any]] = None
        self._recycle_above: Optional[int] = None
        # (id, name, args, binary parts or None where JSON says it all, each)
        self._queue: deque[tuple[int, str, Any, Optional[list[PartData]], bool]] = deque()
        self._closing = False
        self._running: Optional[int] = None
        self._task: Optional[Task] = None
        # Results that are not told yet, as JSON: "id,value"
        self._done: list[str] = []
        self._done_plain = True
        self._done_since = 0.0
        self._ended_at = 0.0
        self._looked_at = 0.0
        self._measured_at = 0.0
        self._questions: dict[int, _Question] = {}
        self._last_call = 0
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._coroutine: Optional[asyncio.Task[Any]] = None
        self._main_thread = threading.get_ident()
        # Of all threads that wait for something from the socket one reads, for all of them.
        self._received = threading.Condition(threading.Lock())
        self._reading = False

    def serve(self) -> None:
        """Returns when the pool has asked to close and all is done."""
        while not self._closing or self._queue:
            self._read_until(lambda: self._queue or self._closing)
            self._drain()
        if self._dispose:
            self._finish(self._dispose())

    def running_task(self) -> Optional[Task]:
        if self._task is None and self._running is not None:
            self._task = Task(self, self._running)
        return self._task

    # Reading

    def look(self) -> None:
        """Reads what has come, at most once in a while."""
        if perf_counter() - self._looked_at < _LOOK_EVERY or self._loop_reads():
            return
        self._look()

    def _look(self) -> None:
        with self._received:
            if self._reading:
                return
            self._reading = True
        self._receive(wait=False)

    def _read_until(self, arrived: Callable[[], Any]) -> None:
        while True:
            with self._received:
                if arrived():
                    return
                if self._reading:
                    self._received.wait()
                    continue
                self._reading = True
            self._receive(wait=True)

    def _receive(self, wait: bool) -> None:
        """For the one thread that has set `_reading`."""
        try:
            for header, parts in self.channel.receive(wait):
                self._handle(header, parts)
        finally:
            self._looked_at = perf_counter()
            with self._received:
                self._reading = False
                self._received.notify_all()

    def _loop_reads(self) -> bool:
        """The event loop runs, and this is a thread beside it."""
        loop = self._loop
        return loop is not None and loop.is_running() and not self._in_main_thread()

    def _in_main_thread(self) -> bool:
        return threading.get_ident() == self._main_thread

    def _handle(self, header: dict[str, Any], parts: list[PartData]) -> None:
        kind = header.get("t")
        if kind == "tasks":
            given = None if header.get("plain") == 1 else parts
            each = header.get("each") == 1
            items = iter(header["list"])
            self._queue.extend((*task, given, each) for task in zip(items, items, items))
        elif kind == "run":
            self._queue.append((header["id"], header["name"], header["args"], parts, True))
        elif kind == "cancel":
            self._cancel(header["id"])
        elif kind == "answer":
            self._answer(header, parts)
        elif kind == "close":
            self._closing = True
        elif kind == "hello":
            if "bulk" in header:
                self.channel.use_bulk(header["bulk"])
            self._load(header, parts)

    def _cancel(self, id: int) -> None:
        """A task that has not started is taken back; one that runs is told."""
        for waiting in self._queue:
            if waiting[0] == id:
                self._queue.remove(waiting)
                self.channel.send(f'{{"t":"dropped","id":{id}}}')
                return
        task = self.running_task()
        if task and task.id == id:
            task.cancel()
            if self._coroutine:
                self._coroutine.cancel()

    # Running

    def _drain(self) -> None:
        queue = self._queue
        self._done_since = self._ended_at = perf_counter()
        while queue:
            # A task can raise, block or end this process: what is done must be told before it starts.
            now = self._ended_at
            if self._done and (queue[0][4] or now - self._done_since > _TELL_EVERY):
                self._tell()
            if now - self._looked_at > _LOOK_EVERY:
                self.look()
                self._ended_at = perf_counter()
                continue  # the next may have been cancelled
            id, name, args, parts, _ = queue.popleft()
            self._running = id
            try:
                self._run(id, name, args if parts is None else decode(args, parts))
            except (SystemExit, KeyboardInterrupt):
                raise  # ends this process, as anywhere
            except BaseException as error:
                self._fail(id, error)
        self._tell()
        self._measure()

    def _run(self, id: int, name: str, args: list[Any]) -> None:
        function = self._functions.get(name)
        if function is None:
            raise CofferdamError("UNKNOWN_FUNCTION", f"the module exports no function `{name}`")
        value = function(*args)
        if hasattr(value, "__await__"):
            value = self._finish(value)
        if self._task:
            self._end_task()
        text, parts, plain = encode(value, texts=True)
        if parts:
            self._tell()
        if not self._done:
            self._done_since = self._ended_at
        # As text, since the next task may change what this one has returned.
        self._done.append(f"{id},{text}")
        if not plain:
            self._done_plain = False
        self._ended()
        if parts:
            self._tell(parts)

    def _fail(self, id: int, error: BaseException) -> None:
        try:
            self._end_task()
        except OSError as second:
            error = second
        self._tell()
        began = self._ended_at
        self._ended()
        us = round((self._ended_at - began) * 1e6)
        self.channel.send(dump({"t": "error", "id": id, "error": describe_error(error), "us": us}))

    def _end_task(self) -> None:
        task, self._task = self._task, None
        if task:
            task.end()

    def _ended(self) -> None:
        self._running = None
        self._ended_at = perf_counter()

    def _tell(self, parts: Sequence[Part] = _NO_PARTS) -> None:
        if not self._done:
            return
        us = round((self._ended_at - self._done_since) * 1e6)
        results, plain = ",".join(self._done), int(self._done_plain)
        self._done.clear()
        self._done_plain = True
        self._done_since = self._ended_at
        self.channel.send(
            f'{{"t":"results","us":{us},"plain":{plain},"list":[{results}]}}', parts
        )

    def _measure(self) -> None:
        """Says once when the process has become too big."""
        if self._recycle_above is None or self._ended_at - self._measured_at < _MEASURE_EVERY:
            return
        self._measured_at = self._ended_at
        size = resident_bytes()
        if size > self._recycle_above:
            self._recycle_above = None
            self.channel.send(f'{{"t":"memory","bytes":{size}}}')

    # Coroutines

    def _finish(self, value: Any) -> Any:
        """What a coroutine returns; anything else as it is."""
        if not hasattr(value, "__await__"):
            return value
        loop = self._event_loop()
        token = _task_of_coroutine.set(self.running_task())
        try:
            coroutine = loop.create_task(_await(value))
        finally:
            _task_of_coroutine.reset(token)
        self._coroutine = coroutine
        loop.call_soon(self._on_waiting, coroutine)
        try:
            return loop.run_until_complete(coroutine)
        finally:
            self._coroutine = None

    def _on_waiting(self, coroutine: asyncio.Task[Any]) -> None:
        """The coroutine has taken its first step."""
        if coroutine.done():
            return
        self._tell()
        task = self.running_task()
        if task:
            task.make_abortable()  # a coroutine can always be cancelled

    def _event_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            import asyncio

            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
            self._loop.add_reader(self.channel.fileno(), self._look)
        return self._loop

    # Services

    def ask(self, task: Task, service: str, request: Any) -> Any:
        if self._loop_reads():
            import asyncio

            assert self._loop
            asked = self.ask_async(task, service, request)
            return asyncio.run_coroutine_threadsafe(asked, self._loop).result()
        question = _Question()
        self._put(task, service, request, question)
        self._read_until(lambda: question.answered or task.refuse_to_wait())
        if question.error:
            raise question.error
        return question.value

    async def ask_async(self, task: Task, service: str, request: Any) -> Any:
        import asyncio

        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # the user's own, which does not read our socket
            return await loop.run_in_executor(None, self.ask, task, service, request)
        question = _Question(loop.create_future())
        self._put(task, service, request, question)
        assert question.future
        return await question.future

    def tell_service(self, task: Task, service: str, request: Any) -> None:
        """A request whose answer nobody waits for."""
        self._put(task, service, request, None)

    def _put(
        self, task: Task, service: str, request: Any, question: Optional[_Question]
    ) -> None:
        text, parts, _ = encode(request)
        if self._in_main_thread():
            self._tell()
        with self._received:
            self._last_call += 1
            call = self._last_call
            if question:
                self._questions[call] = question
        head = f'"t":"call","call":{call},"task":{task.id},"service":{dump(service)}'
        self.channel.send(f'{{{head},"request":{text}}}', parts)

    def _answer(self, header: dict[str, Any], parts: list[PartData]) -> None:
        question = self._questions.pop(header["call"], None)
        if question is None:
            return
        if header.get("ok"):
            question.answer(decode(header.get("value"), parts), None)
        else:
            error = header.get("error") or {}
            message = error.get("message", "the pool gave no reason")
            question.answer(None, CofferdamError(error.get("code", "TASK_FAILED"), message))

    # Loading

    def _load(self, hello: dict[str, Any], parts: list[PartData]) -> None:
        try:
            if sys.version_info < OLDEST_PYTHON:
                raise RuntimeError(
                    f"Python 3.9 or newer is needed; {sys.executable} is {sys.version.split()[0]}"
                )
            self._recycle_above = hello.get("recycleAbove")
            module = load_file(hello.get("module", ""))
            functions = functions_of(module)
            init = functions.pop("init", None)
            if init:
                given = hello.get("init", {"$": "undefined"})
                absent = type(given) is dict and given.get("$") == "undefined"
                self._finish(init() if absent else init(decode(given, parts)))
            self._dispose = functions.pop("dispose", None)
            if not functions:
                raise RuntimeError(f"{module.__file__} has no function that a pool could call")
            self._functions = functions
        except Exception as error:
            self.channel.send(dump({"t": "broken", "error": describe_broken(error)}))
            return
        ready = {"t": "ready", "names": list(functions), "batch": True, "bulk": True}
        self.channel.send(dump({**ready, "dispose": self._dispose is not None}))


async def _await(value: Awaitable[Any]) -> Any:
    return await value


def resident_bytes() -> int:
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        import resource

        # Where there is no /proc: the most that it ever was, in bytes on macOS.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


# Loading


def load_file(path: str) -> Any:
    """The module of a file. Its own imports find what lies beside it."""
    path = os.path.abspath(path)
    if not os.path.isfile(path):
        raise FileNotFoundError(f"there is no file {path}")
    sys.argv = [path]
    sys.path[0] = os.path.dirname(path)
    stem = os.path.splitext(os.path.basename(path))[0]
    name = stem if stem not in sys.modules else f"cofferdam_{stem}"
    loader = importlib.machinery.SourceFileLoader(name, path)
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    loader.exec_module(module)
    return module


def functions_of(module: Any) -> dict[str, Callable[..., Any]]:
    """What `__all__` names, else all whose names do not begin with _. Classes are no functions.

    `init` and `dispose` are among them whatever `__all__` says: it is the pool that calls those.
    """
    names = getattr(module, "__all__", None)
    if names is None:
        names = [name for name in vars(module) if not name.startswith("_")]
    else:
        names = [*names, *(name for name in ("init", "dispose") if name in vars(module))]
    found = ((name, getattr(module, name)) for name in names)
    return {
        name: value
        for name, value in found
        if callable(value) and not isinstance(value, type) and value is not current_task
    }


def describe_broken(error: Exception) -> dict[str, str]:
    """With the place in the message, since no more may be shown."""
    described = describe_error(error)
    place = ""
    frames = _without_ours(error.__traceback__)
    while frames and not isinstance(error, SyntaxError):  # that one names its place itself
        file = frames.tb_frame.f_code.co_filename
        if not file.startswith("<frozen"):
            place = f" ({file}, line {frames.tb_lineno})"
        frames = frames.tb_next
    if isinstance(error, SyntaxError) and error.filename:
        place = f" ({error.filename}, line {error.lineno})"
        described["message"] = error.msg
    name = "" if isinstance(error, RuntimeError) and not place else f"{described['name']}: "
    described["message"] = f"{name}{described['message']}{place}"
    return described


def main() -> None:
    global _worker
    faulthandler.enable()
    # The file's own `import cofferdam_worker` means this module; so does that of its processes.
    sys.modules["cofferdam_worker"] = sys.modules[__name__]
    sys.path.append(sys.path[0])
    channel = Channel()
    _worker = Worker(channel)
    os.register_at_fork(after_in_child=_leave_to_parent)
    try:
        _worker.serve()
    except SystemExit as exit:
        _exit(_exit_code(exit.code))
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    except ProtocolError as error:
        print(f"cofferdam_worker: the pool sent {error}", file=sys.stderr)
        _exit(1)
    except BaseException:
        import traceback

        traceback.print_exc()
        _exit(1)


def _leave_to_parent() -> None:
    """A fork of the worker is no worker."""
    global _worker
    if _worker:
        _worker.channel.close()
    _worker = None


def _exit_code(code: object) -> int:
    if code is None or isinstance(code, int):
        return (code or 0) & 0xFF
    print(code, file=sys.stderr)
    return 1


def _exit(code: int) -> NoReturn:
    """At once: neither threads nor children of the user's are waited for."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass
    os._exit(code)


if __name__ == "__main__":
    main()
