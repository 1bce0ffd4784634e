"""A legacy program: it forgets children, leaves orphans behind, and says so.

Every line it prints is a JSON object with a "kind". They are the truth that the
tests compare with what pid1 saw:

  app      its own pid and command line
  hoarded  a child that it never waits for
  orphan   a process left behind by double fork: pid, the pid of the parent that
           created it, argv, how it ends (code or signal), the time it lives at
           least, and between which moments it lived
  healthy  how many children it waited for
  done     everything above has happened; from now on nothing does

It then sits there until a signal ends it.
"""

import json
import os
import selectors
import signal
import subprocess
import sys
import time

HOARDED = 12
HEALTHY = 40

# What each orphan does, how it ends, and the milliseconds it lives at least.
ORPHANS = [
    ("sleep 0.25; exit 0", {"code": 0}, 250),
    ("sleep 0.30; exit 1", {"code": 1}, 300),
    ("sleep 0.35; exit 7", {"code": 7}, 350),
    ("sleep 0.40; exit 127", {"code": 127}, 400),
    ("sleep 0.45; exit 255", {"code": 255}, 450),
    ("sleep 0.50; kill -KILL $$", {"signal": "SIGKILL"}, 500),
    ("sleep 0.55; kill -TERM $$", {"signal": "SIGTERM"}, 550),
    ("sleep 0.60; kill -SEGV $$", {"signal": "SIGSEGV"}, 600),
    # As short as a process gets: nobody may have seen these alive.
    ("exit 3", {"code": 3}, 0),
    ("exit 4", {"code": 4}, 0),
    ("kill -USR1 $$", {"signal": "SIGUSR1"}, 0),
] + [("sleep 0.2; exit %d" % (20 + i), {"code": 20 + i}, 200) for i in range(10)]


def say(kind, **fields):
    print(json.dumps({"kind": kind, **fields}), flush=True)


def leave_orphan(argv):
    """Returns the orphan's pid, its parent's, and a pipe that ends with it."""
    told_r, told_w = os.pipe()
    alive_r, alive_w = os.pipe()
    parent = os.fork()
    if parent == 0:
        pid = os.fork()
        if pid == 0:
            os.set_inheritable(alive_w, True)
            os.execv(argv[0], argv)
        os.write(told_w, b"%d" % pid)
        os._exit(0)
    os.close(told_w)
    os.close(alive_w)
    pid = int(os.read(told_r, 32))
    os.close(told_r)
    os.waitpid(parent, 0)
    return pid, parent, alive_r


def main():
    say("app", pid=os.getpid(), ppid=os.getppid(), cmdline=[os.path.basename(sys.executable)] + sys.argv)

    for i in range(HOARDED):
        argv = ["/bin/sh", "-c", "exit %d" % (i % 3), "hoarded-%d" % i]
        say("hoarded", pid=os.posix_spawn(argv[0], argv, os.environ), argv=argv)

    living = selectors.DefaultSelector()
    for i, (script, end, least) in enumerate(ORPHANS):
        argv = ["/bin/sh", "-c", script, "orphan-%d" % i]
        before = time.time()
        pid, parent, alive = leave_orphan(argv)
        living.register(alive, selectors.EVENT_READ, dict(
            end, pid=pid, parent=parent, argv=argv, least_ms=least, born_after=before))

    for _ in range(HEALTHY):
        subprocess.run(["/bin/true"], check=True)
    say("healthy", count=HEALTHY)

    while living.get_map():
        for key, _ in living.select():
            living.unregister(key.fileobj)
            say("orphan", died_before=time.time(), **key.data)
    say("done")
    while True:
        signal.pause()


main()
