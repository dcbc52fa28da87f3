"""Calls a second through ProcessPoolExecutor.map with chunksize 1.

python pool.py START_METHOD WORKERS CALLS [noop | echo BYTES]
"""

import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context
from time import perf_counter

from tasks import echo, noop


def main():
    method, workers, calls, name, *size = sys.argv[1:]
    function, value = (noop, 0) if name == "noop" else (echo, bytes(int(size[0])))
    with ProcessPoolExecutor(int(workers), get_context(method)) as pool:
        for _ in pool.map(noop, range(1000), chunksize=1):
            pass  # warm
        began = perf_counter()
        for _ in pool.map(function, repeat(value, int(calls)), chunksize=1):
            pass
        print(int(calls) / (perf_counter() - began))


if __name__ == "__main__":
    main()
