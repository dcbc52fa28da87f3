"""tool.py FOLDER [ignore-term]: stands for a Python tool that is given a document.

It holds what such tools hold: three multiprocessing locks and a block of shared memory, which are
four entries in /dev/shm, a System V semaphore, shared memory and queue, with a key each, and a POSIX
message queue. It notes each in FOLDER/objects at once, so
that its maker can remove them also if it is killed half way; then it notes "ready", and waits.
What it and its resource tracker say goes to FOLDER/stderr.
"""

import ctypes
import multiprocessing
import os
import secrets
import signal
import sys
from multiprocessing.shared_memory import SharedMemory

IPC_NEW = 0o3600  # IPC_CREAT, IPC_EXCL, for ourselves


def open_for_writing(folder, name):
    return os.open(os.path.join(folder, name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def main(folder, *options):
    if "ignore-term" in options:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # Before the tracker starts, which inherits it.
    os.dup2(open_for_writing(folder, "stderr"), 2)
    journal = open_for_writing(folder, "objects")

    def note(line):
        os.write(journal, (line + "\n").encode())

    context = multiprocessing.get_context("spawn")
    locks = []
    for _ in range(3):
        locks.append(context.Lock())
        note("/dev/shm/sem." + locks[-1]._semlock.name.lstrip("/"))
    memory = SharedMemory(create=True, size=4096)
    note("/dev/shm/" + memory.name)

    # Python has no module for these.
    libc = ctypes.CDLL(None)
    key = secrets.randbelow(2**30) + 1
    if hasattr(libc, "semget"):
        if libc.semget(key, 1, IPC_NEW) >= 0:
            note(f"sem {key}")
        if libc.shmget(key, 4096, IPC_NEW) >= 0:
            note(f"shm {key}")
        if libc.msgget(key, IPC_NEW) >= 0:
            note(f"msg {key}")
    queue = f"lab-{key}"
    flags = os.O_CREAT | os.O_EXCL | os.O_RDWR
    if hasattr(libc, "mq_open") and libc.mq_open(f"/{queue}".encode(), flags, 0o600, None) >= 0:
        note(f"queue {queue}")

    note("ready")
    while True:
        signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
