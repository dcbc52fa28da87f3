"""Reads from a Manager().dict(), as source document 002 shares its cache: so many processes, each so
many reads of values that are there. Prints the reads a second of all together."""

import multiprocessing
import sys
import time


def read(shared, barrier, reads, keys, rates):
    for key in range(10):
        shared[f"text {key}"]
    barrier.wait()
    start = time.perf_counter()
    for number in range(reads):
        shared[f"text {number * 7919 % keys}"]
    rates.put(reads / (time.perf_counter() - start))


def main():
    processes, reads, keys, size = map(int, sys.argv[1:5])
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager:
        shared = manager.dict({f"text {key}": bytes(size) for key in range(keys)})
        barrier, rates = context.Barrier(processes), context.Queue()
        workers = [
            context.Process(target=read, args=(shared, barrier, reads, keys, rates))
            for _ in range(processes)
        ]
        for worker in workers:
            worker.start()
        print(sum(rates.get() for _ in workers))
        for worker in workers:
            worker.join()


if __name__ == "__main__":
    main()
