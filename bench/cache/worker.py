"""The reads of worker.ts, by a Python worker."""

import resource
from time import perf_counter

from cofferdam_worker import current_task

__all__ = ["read_hits"]


def read_hits(reads, keys):
    cache = current_task().cache("bench")
    for key in range(keys):
        cache.get({"model": "m", "text": f"text {key}"})
    start, cpu = perf_counter(), cpu_seconds()
    for number in range(reads):
        assert cache.get({"model": "m", "text": f"text {number * 7919 % keys}"}) is not None
    return {
        "perSecond": reads / (perf_counter() - start),
        "cpuUs": (cpu_seconds() - cpu) / reads * 1e6,
    }


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
