"""Fills the container's limit of processes with zombies.

Prints a JSON line with kind "orphan" for the process it leaves behind first,
which lives until SIGUSR1, then "full" with the number of zombies when not one
more process can be made. After SIGUSR1 it tries again until it can, which is
when the orphan has been reaped, and prints "again".
"""

import json
import os
import signal
import time

# Taken with sigwait, so that none comes too early.
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])


def say(kind, **fields):
    print(json.dumps({"kind": kind, **fields}), flush=True)


told_r, told_w = os.pipe()
hold_r, hold_w = os.pipe()
parent = os.fork()
if parent == 0:
    pid = os.fork()
    if pid == 0:
        os.close(hold_w)
        os.read(hold_r, 1)  # until the other end is closed
        os._exit(42)
    os.write(told_w, b"%d" % pid)
    os._exit(0)
os.waitpid(parent, 0)
say("orphan", pid=int(os.read(told_r, 32)), code=42)

zombies = 0


def fill():
    """Makes zombies until the limit; returns how many it made."""
    global zombies
    made = 0
    while True:
        try:
            if os.fork() == 0:
                os._exit(0)
        except BlockingIOError:
            zombies += made
            return made
        made += 1


fill()
say("full", zombies=zombies)
signal.sigwait([signal.SIGUSR1])
os.close(hold_w)
while fill() == 0:
    time.sleep(0.01)
say("again", zombies=zombies)
while True:
    signal.pause()
