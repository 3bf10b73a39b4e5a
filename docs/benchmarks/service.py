#!/usr/bin/env python3
"""Measures the service against the bare translation of the same photos.

    docs/benchmarks/service.py [--programs DIR] [--count N] [--rounds N] PHOTOS

PHOTOS is a directory of JPEG or PNG files, of which the first N in name order are taken. In turns, cyclegan-style translate does them
all in one process, and a service of its own gets them as a backlog while it is paused and is then told to go on. Then single photos are
dropped on the idle service, and in the end it is left alone for a minute. Nothing but Python's standard library is needed; everything is
written below a temporary directory.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

SETTLE = 0.5


class Service:
    """A service in the foreground, with directories and a configuration of its own."""

    def __init__(self, programs, directory, settings=""):
        self.program = programs / "cyclegan-style"
        self.directory = directory
        self.inbox, self.outbox = directory / "spool/inbox", directory / "spool/outbox"
        self.inbox.mkdir(parents=True)
        # No picture may be a copy of an earlier round's.
        (directory / "config.yaml").write_text(
            f"spool: {directory}/spool\nstate: {directory}/state\nsettle: {int(SETTLE * 1000)}ms\nduplicates: again\n{settings}")
        self.folders = 0
        self.log = open(directory / "log", "w")
        self.process = subprocess.Popen(
            [programs / "cyclegan-styled", "--config", directory / "config.yaml"], stderr=self.log)
        self.wait(lambda: (directory / "state/control.sock").exists() and self.status()["activity"] == "idle")

    def ask(self, *arguments):
        command = [self.program, *arguments, "--json", "--socket", self.directory / "state/control.sock"]
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)

    def status(self):
        return self.ask("status")

    def wait(self, is_met, pause=0.05):
        while not is_met():
            if self.process.poll() is not None:
                sys.exit(f"the service ended; its log:\n{(self.directory / 'log').read_text()}")
            time.sleep(pause)

    def drop(self, photos):
        """Puts photos into a folder of their own and returns the one where their pictures will be."""
        self.folders += 1
        folder = self.inbox / str(self.folders)
        folder.mkdir()
        for photo in photos:
            shutil.copyfile(photo, folder / photo.name)
        return self.outbox / folder.name

    def backlog(self, photos):
        """Seconds from going on to the last picture."""
        self.ask("pause")
        pictures = self.drop(photos)
        self.wait(lambda: self.status()["ready"] == len(photos))
        began = time.monotonic()
        self.ask("resume")
        self.wait(lambda: count(pictures) == len(photos), 0.01)
        seconds = time.monotonic() - began
        self.wait(lambda: self.status()["activity"] == "idle")
        return seconds

    def single(self, photo):
        """Seconds from the last byte of a photo to its picture."""
        pictures = self.drop([photo])
        complete = time.monotonic()
        self.wait(lambda: count(pictures) == 1, 0.001)
        seconds = time.monotonic() - complete
        self.wait(lambda: self.status()["activity"] == "idle")
        return seconds

    def processor_seconds(self):
        """Of all threads, as the scheduler counts them: in nanoseconds."""
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task")
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9

    def stop(self):
        self.process.terminate()
        if self.process.wait() != 0:
            sys.exit(f"the service failed; its log:\n{(self.directory / 'log').read_text()}")


def images(directory):
    """JPEG and PNG files of a directory, in name order."""
    return sorted(path for path in directory.iterdir() if path.suffix.lower() in (".jpg", ".jpeg", ".png"))


def count(directory):
    """Pictures that have their final names."""
    return sum(not entry.name.startswith(".") for entry in os.scandir(directory)) if directory.exists() else 0


def translate(programs, photos, directory):
    """Seconds that one process takes for all photos."""
    output = pathlib.Path(tempfile.mkdtemp(dir=directory))
    began = time.monotonic()
    subprocess.run(
        [programs / "cyclegan-style", "translate", "-o", output, *photos], check=True, stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - began
    if len(list(output.iterdir())) != len(photos):
        sys.exit("translate did not do every photo")
    shutil.rmtree(output)
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("photos", type=pathlib.Path, help="a directory of photos")
    parser.add_argument("--programs", type=pathlib.Path, default=pathlib.Path(__file__).parents[2] / ".build/release")
    parser.add_argument("--count", type=int, default=60, help="photos in a backlog (60)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each (3)")
    parser.add_argument("--singles", type=int, default=9, help="photos dropped one by one (9)")
    parser.add_argument("--idle", type=float, default=60, help="seconds to leave it alone (60)")
    options = parser.parse_args()
    photos = images(options.photos)[:options.count]
    if len(photos) < max(options.singles, 2):
        sys.exit(f"{options.photos} has only {len(photos)} photos")
    programs = options.programs.resolve()

    with tempfile.TemporaryDirectory(prefix="service-benchmark-") as name:
        directory = pathlib.Path(name)
        service = Service(programs, directory)
        # Both begin with a model in the page cache, and the service with one in memory.
        service.backlog(photos[:2])
        translate(programs, photos[:1], directory)

        print(f"{len(photos)} photos, {options.rounds} rounds in turns, photos an hour:")
        print("round  translate  service  ratio")
        rounds = []
        for number in range(options.rounds):
            bare = translate(programs, photos, directory)
            served = service.backlog(photos)
            rounds.append((bare, served))
            hourly = [3600 * len(photos) / seconds for seconds in (bare, served)]
            print(f"{number + 1:5}  {hourly[0]:9.0f}  {hourly[1]:7.0f}  {hourly[1] / hourly[0]:5.3f}", flush=True)
        ratios = [bare / served for bare, served in rounds]
        print(f"median ratio {statistics.median(ratios):.3f}")

        # Each photo's own translation, without the start of a process, right before it is dropped.
        over = []
        for photo in photos[:options.singles]:
            once = translate(programs, [photo], directory)
            translation = (translate(programs, [photo] * 5, directory) - once) / 4
            latency = service.single(photo)
            over.append(latency - SETTLE - translation)
            print(f"{photo.name}: picture after {latency:.3f} s, translation {translation:.3f} s, "
                  f"over settle and translation {1000 * over[-1]:.0f} ms", flush=True)
        print(f"median over settle and translation {1000 * statistics.median(over):.0f} ms")

        time.sleep(5)
        before = service.processor_seconds()
        time.sleep(options.idle)
        used = service.processor_seconds() - before
        print(f"idle: {1000 * used:.1f} ms of processor time in {options.idle:.0f} s, {100 * used / options.idle:.4f} %")
        service.stop()


if __name__ == "__main__":
    main()
