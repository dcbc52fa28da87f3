"""Reads values that are there from LMDB, in one process. Prints the reads a second, and the CPU time of
a read in microseconds."""

import sys
import time

import lmdb

folder, reads, keys, size = sys.argv[1], *map(int, sys.argv[2:5])
names = [f"text {key}".encode() for key in range(keys)]
environment = lmdb.open(folder, map_size=8 * keys * (size + 8192))
with environment.begin(write=True) as transaction:
    for name in names:
        transaction.put(name, bytes(size))
start, cpu = time.perf_counter(), time.process_time()
for number in range(reads):
    with environment.begin() as transaction:
        assert transaction.get(names[number * 7919 % keys]) is not None
print(reads / (time.perf_counter() - start), (time.process_time() - cpu) / reads * 1e6)
