"""supervise.py SITUATION DEADLINE_MS|never COMMAND...: the tool under Python's subprocess."""

import os
import signal
import subprocess
import sys

GRACE_S = 0.2

situation, deadline, *tool = sys.argv[1:]
limit = None if deadline == "never" else int(deadline) / 1000

if situation in ("root", "supervisor"):
    try:
        subprocess.run(tool, stdin=subprocess.DEVNULL, capture_output=True, timeout=limit)
    except subprocess.TimeoutExpired:
        pass  # The child has been killed and waited for.
else:
    child = subprocess.Popen(
        tool,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        child.wait(limit)
    except subprocess.TimeoutExpired:
        if situation == "group-term":
            os.killpg(child.pid, signal.SIGTERM)
            try:
                child.wait(GRACE_S)
            except subprocess.TimeoutExpired:
                pass
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
