"""Slots as source document 002 has them: a number in a Manager's dict, one more while a request is
under way, one less in `finally`. Workers are killed while they hold one. Prints what is left of the
slots, as JSON."""

import json
import multiprocessing
import os
import signal
import sys


def take(shared, lock, slots):
    with lock:
        if shared["active_requests"] >= slots:
            return False
        shared["active_requests"] += 1
        return True


def work(shared, lock, slots):
    if not take(shared, lock, slots):
        sys.exit(3)
    try:
        os.kill(os.getpid(), signal.SIGKILL)  # as the system does when memory is short
    finally:
        with lock:
            shared["active_requests"] -= 1


def main():
    slots, kills = int(sys.argv[1]), int(sys.argv[2])
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager:
        shared, lock = manager.dict(active_requests=0), manager.Lock()
        refused = 0
        for _ in range(kills):
            worker = context.Process(target=work, args=(shared, lock, slots))
            worker.start()
            worker.join()
            refused += worker.exitcode == 3
        free = 0
        while take(shared, lock, slots):
            free += 1
        print(json.dumps({"free": free, "refused": refused}))


if __name__ == "__main__":
    main()
