"""loky_pool.py DEADLINE_MS|never COMMAND...: the task in a worker of loky's executor."""

import subprocess
import sys
from concurrent.futures import TimeoutError

from loky import get_reusable_executor


def run_command(command):
    subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)


if __name__ == "__main__":
    deadline, *task = sys.argv[1:]
    executor = get_reusable_executor(max_workers=1)
    executor.submit(run_command, ["true"]).result()  # The start of the worker does not count.
    try:
        limit = None if deadline == "never" else int(deadline) / 1000
        executor.submit(run_command, task).result(timeout=limit)
    except TimeoutError:
        executor.shutdown(wait=True, kill_workers=True)
