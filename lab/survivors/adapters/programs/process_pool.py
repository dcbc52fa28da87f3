"""process_pool.py DEADLINE_MS|never COMMAND...: the task in a worker of ProcessPoolExecutor."""

import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, TimeoutError


def run_command(command):
    subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)


def kill_workers(executor):
    if hasattr(executor, "kill_workers"):  # Python 3.14
        executor.kill_workers()
        return
    for worker in list(executor._processes.values()):
        worker.kill()
    executor.shutdown(wait=True, cancel_futures=True)


if __name__ == "__main__":
    deadline, *task = sys.argv[1:]
    executor = ProcessPoolExecutor(max_workers=1)
    executor.submit(run_command, ["true"]).result()  # The start of the worker does not count.
    try:
        limit = None if deadline == "never" else int(deadline) / 1000
        executor.submit(run_command, task).result(timeout=limit)
    except TimeoutError:
        kill_workers(executor)
