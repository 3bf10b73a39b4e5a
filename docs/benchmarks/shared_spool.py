#!/usr/bin/env python3
"""Measures what two services that share a spool make of it, against one, where each has a core of its own.

    docs/benchmarks/shared_spool.py [--programs DIR] [--count N] [--rounds N] [--spool DIR] PHOTOS

PHOTOS is a directory of JPEG or PNG files, of which the first N in name order are taken. In turns, one service pinned to core 0 and two services
pinned to cores 0 and 1 get the same photos as a backlog while they are paused, and are then told to go on. Both kinds have shared-spool: yes; in each
round a single service without it runs too, so that the price of the leases is seen. --spool lays the spool somewhere else than below /tmp, on a network
file system, say. Nothing but Python's standard library is needed. Nothing else should run meanwhile.
"""

import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time


class Service:
    """A service pinned to one core, with a state of its own."""

    def __init__(self, programs, directory, name, core, shared):
        self.program, self.directory = programs / "cyclegan-style", directory
        self.state = directory / name
        config = directory / f"{name}.yaml"
        config.write_text(
            f"spool: {directory}/spool\nstate: {self.state}\nsettle: 500ms\nduplicates: again\nthreads: 1\n"
            f"rescan: 1s\nshared-spool: {'yes' if shared else 'no'}\nlease: 1min\n")
        self.log = open(directory / f"{name}.log", "w")
        self.process = subprocess.Popen(
            ["taskset", "-c", str(core), programs / "cyclegan-styled", "--config", config], stderr=self.log)
        wait(lambda: (self.state / "control.sock").exists(), self)

    def ask(self, *arguments):
        command = [self.program, *arguments, "--json", "--socket", self.state / "control.sock"]
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)

    def stop(self):
        self.process.terminate()
        self.process.wait()


def wait(is_met, *services, pause=0.05):
    while not is_met():
        for service in services:
            if service.process.poll() is not None:
                sys.exit(f"a service ended; its log:\n{pathlib.Path(service.log.name).read_text()}")
        time.sleep(pause)


def backlog(programs, photos, count, parent, shared):
    """Seconds from going on to the last picture, and how many pictures each has made."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="shared-spool-", dir=parent))
    (directory / "spool/inbox").mkdir(parents=True)
    services = [Service(programs, directory, f"s{core}", core, shared) for core in range(count)]
    for service in services:
        service.ask("pause")
    for number, photo in enumerate(photos):
        part = directory / "spool/part"
        shutil.copyfile(photo, part)
        part.rename(directory / "spool/inbox" / f"{number}-{photo.name}")
    wait(lambda: all(s.ask("status")["ready"] == len(photos) for s in services), *services)
    began = time.monotonic()
    resumed = [subprocess.Popen([s.program, "resume", "--json", "--socket", s.state / "control.sock"],
                                stdout=subprocess.DEVNULL) for s in services]
    for process in resumed:
        process.wait()
    outbox = directory / "spool/outbox"

    def done():
        return len([p for p in outbox.iterdir() if not p.name.startswith(".")]) if outbox.exists() else 0

    wait(lambda: done() >= len(photos), *services, pause=0.02)
    seconds = time.monotonic() - began
    for service in services:
        service.stop()
    assert done() == len(photos), f"{done()} pictures of {len(photos)} photos"
    shares = [sum("styled " in line and " as " in line and "styled by" not in line for line in open(s.log.name)) for s in services]
    shutil.rmtree(directory)
    return seconds, shares


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=pathlib.Path, default=pathlib.Path(".build/release"))
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--spool", type=pathlib.Path, default=None)
    parser.add_argument("photos", type=pathlib.Path)
    options = parser.parse_args()
    found = sorted(p for p in options.photos.iterdir() if p.suffix.lower() in (".jpg", ".jpeg", ".png"))
    photos = [found[number % len(found)] for number in range(options.count)]
    programs = options.programs.resolve()
    rates = {"one, not shared": [], "one": [], "two": []}
    for number in range(options.rounds):
        line = []
        for name, count, shared in [("one, not shared", 1, False), ("one", 1, True), ("two", 2, True)]:
            seconds, shares = backlog(programs, photos, count, options.spool, shared)
            rates[name].append(len(photos) / seconds)
            line.append(f"{name} {seconds:.1f} s {shares}")
        print(f"round {number + 1}: " + ", ".join(line), flush=True)
    middle = {name: statistics.median(values) for name, values in rates.items()}
    for name, value in middle.items():
        print(f"{name}: {value:.3f} photos a second (median of {options.rounds})")
    print(f"two against one: {middle['two'] / middle['one']:.2f}; one against one that does not share: "
          f"{middle['one'] / middle['one, not shared']:.2f}")


if __name__ == "__main__":
    main()
