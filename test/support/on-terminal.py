"""Runs a program on a terminal of its own and types into it.

usage: on-terminal.py ROWS COLUMNS STEPS PROGRAM [ARGUMENT...]

STEPS is JSON: a list of [pattern, keys] or [pattern, keys, seconds]. When what the program has shown
since the last step matches the pattern, the keys are typed; again each so many seconds until the next
step's pattern shows. Shows everything, and exits as the program does (128 + signal).
"""

import fcntl
import json
import math
import os
import pty
import re
import select
import struct
import sys
import termios
import time

DEADLINE_S = int(os.environ.get("ON_TERMINAL_DEADLINE_S", "60"))


def main() -> int:
    rows, columns, steps = int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3])
    pid, terminal = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.execvp(sys.argv[4], sys.argv[4:])
    seen = ""
    end = time.monotonic() + DEADLINE_S
    keys, every, typed_at = b"", math.inf, 0.0
    while True:
        if steps and re.search(steps[0][0], seen, re.DOTALL):
            _, text, *seconds = steps.pop(0)
            seen, keys, typed_at = "", text.encode(), time.monotonic()
            every = seconds[0] if seconds else math.inf
            os.write(terminal, keys)
        elif time.monotonic() - typed_at > every:
            typed_at = time.monotonic()
            os.write(terminal, keys)
        if time.monotonic() > end:
            print(f"\nnever shown: {steps[0][0] if steps else 'its end'}", file=sys.stderr)
            os.close(terminal)
            return 99
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # the other side is closed
            chunk = b""
        if not chunk:
            break
        text = chunk.decode(errors="replace")
        seen += text
        sys.stdout.write(text)
        sys.stdout.flush()
    status = os.waitpid(pid, 0)[1]
    return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


sys.exit(main())
