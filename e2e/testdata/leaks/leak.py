"""Starts a converter for every picture, and forgets about it.

With "fixed" it follows the doctor's advice: it asks for those that have ended.
"""
import subprocess
import sys
import time

fixed = "fixed" in sys.argv
running = []


def convert(name):
    running.append(subprocess.Popen(["sh", "-c", "exit 0", name]))


for n in range(100000):
    convert("picture-%d.png" % n)
    time.sleep(0.25)
    if fixed:
        running = [p for p in running if p.poll() is None]
    if n == 20:
        print("settled", flush=True)
