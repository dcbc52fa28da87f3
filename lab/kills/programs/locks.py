"""locks.py: a task that holds what Python tools hold: two locks and a block of shared memory, three
entries in /dev/shm that Python's resource tracker removes when nobody else is left. It says so by
making the file named in KILLS_READY, and waits."""

import multiprocessing
import os
import signal
from multiprocessing.shared_memory import SharedMemory

context = multiprocessing.get_context("spawn")
held = [context.Lock(), context.Lock(), SharedMemory(create=True, size=4096)]
os.close(os.open(os.environ["KILLS_READY"], os.O_WRONLY | os.O_CREAT, 0o600))
signal.alarm(600)
signal.pause()
