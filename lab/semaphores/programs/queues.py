"""queues.py list|remove NAME...: says which of these POSIX message queues there are, or removes them.

By name: mostly no file system shows them.
"""

import ctypes
import os
import sys

libc = ctypes.CDLL(None)
for name in sys.argv[2:]:
    path = f"/{name}".encode()
    if sys.argv[1] == "remove":
        libc.mq_unlink(path)
    elif libc.mq_open(path, os.O_RDONLY) >= 0:
        print(name)
