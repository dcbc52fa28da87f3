"""Reads from a Manager().dict(), as source document 002 shares its cache: so many processes, each so
many reads of values that are there. Prints the reads a second of all together, and the CPU time of a read
in microseconds, the Manager's included."""

import multiprocessing
import os
import sys
import time


def read(shared, barrier, reads, keys, rates):
    for key in range(10):
        shared[f"text {key}"]
    barrier.wait()
    start, cpu = time.perf_counter(), time.process_time()
    for number in range(reads):
        shared[f"text {number * 7919 % keys}"]
    rates.put((reads / (time.perf_counter() - start), time.process_time() - cpu))


def cpu_of(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


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
        before = cpu_of(manager._process.pid)
        results = [rates.get() for _ in workers]
        cpu = sum(cpu for _, cpu in results) + cpu_of(manager._process.pid) - before
        print(sum(rate for rate, _ in results), cpu / (reads * processes) * 1e6)
        for worker in workers:
            worker.join()


if __name__ == "__main__":
    main()
