"""subprocess_run.py DEADLINE_MS|never COMMAND...: the task under subprocess.run's own timeout."""

import subprocess
import sys

deadline, *task = sys.argv[1:]

try:
    subprocess.run(
        task,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=None if deadline == "never" else int(deadline) / 1000,
    )
except subprocess.TimeoutExpired:
    pass  # The child has been killed and waited for.
