#!/usr/bin/env python3
"""Measures what a training costs the photos.

    docs/benchmarks/service_training.py [--programs DIR] [--count N] [--rounds N] PHOTOS PAINTINGS

A service of its own gets backlogs of the first N photos of PHOTOS, and single photos, in turns while nothing else runs and while it
fine-tunes the default model on PHOTOS and PAINTINGS (without `pause-above`, which would stop the training for a backlog). Nothing but
Python's standard library is needed; everything is written below a temporary directory.
"""

import argparse
import pathlib
import shutil
import statistics
import sys
import tempfile

from service import Service, images


def standing(service):
    """How the style's training stands."""
    return next(style for style in service.ask("retrain", "--status") if style["style"] == "vangogh")


def has_trained(service):
    return (standing(service).get("progress") or {}).get("iteration", 0) >= 3


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("photos", type=pathlib.Path, help="a directory of photos")
    parser.add_argument("paintings", type=pathlib.Path, help="a directory of paintings")
    parser.add_argument("--programs", type=pathlib.Path, default=pathlib.Path(__file__).parents[2] / ".build/release")
    parser.add_argument("--count", type=int, default=40, help="photos in a backlog (40)")
    parser.add_argument("--rounds", type=int, default=4, help="rounds of each (4)")
    parser.add_argument("--singles", type=int, default=6, help="photos dropped one by one in a round (6)")
    options = parser.parse_args()
    photos, paintings = images(options.photos), images(options.paintings)
    if len(photos) < max(options.count, 40) or len(paintings) < 20:
        sys.exit("40 photos and 20 paintings are the least")

    with tempfile.TemporaryDirectory(prefix="training-benchmark-") as name:
        directory = pathlib.Path(name)
        service = Service(options.programs.resolve(), directory, """
styles: {vangogh: {retrain: {when: never, pause-above: 100000}}}
""")
        for chosen, domain in ((photos[:40], "photos"), (paintings[:40], "paintings")):
            folder = directory / "spool/domains/vangogh" / domain
            folder.mkdir(parents=True, exist_ok=True)
            for image in chosen:
                shutil.copyfile(image, folder / image.name)
        service.backlog(photos[:2])

        results = {False: ([], []), True: ([], [])}
        print(f"backlogs of {options.count} photos, {options.singles} single photos; seconds")
        print("round  training  backlog  single (median)")
        for number in range(options.rounds):
            for is_training in (False, True) if number % 2 == 0 else (True, False):
                if is_training:
                    service.ask("retrain", "vangogh", "--now", "--budget", "100000it")
                    service.wait(lambda: has_trained(service), 0.5)
                backlog = service.backlog(photos[:options.count])
                singles = [service.single(photo) for photo in photos[:options.singles]]
                if is_training:
                    service.ask("retrain", "--stop")
                    service.wait(lambda: standing(service)["activity"] == "idle", 0.5)
                results[is_training][0].append(backlog)
                results[is_training][1].extend(singles)
                print(f"{number + 1:5}  {'yes' if is_training else 'no':>8}  {backlog:7.2f}  "
                      f"{statistics.median(singles):15.3f}", flush=True)
        for what, place in (("backlog", 0), ("single photo, settle time included", 1)):
            without, beside = (statistics.median(results[key][place]) for key in (False, True))
            print(f"{what}: median {without:.3f} s without, {beside:.3f} s beside a training: "
                  f"{100 * (beside / without - 1):+.1f} %")
        service.stop()


if __name__ == "__main__":
    main()
