"""Makes thumbnails: each is made by a program of its own, in the background."""
import subprocess
import time

jobs = []


def make_thumbnail(photo):
    # "sleep" stands in for the program that does the work.
    jobs.append(subprocess.Popen(["sleep", "0.2"]))


number = 0
while True:
    number += 1
    make_thumbnail(f"photo-{number}.jpg")
    time.sleep(0.5)
