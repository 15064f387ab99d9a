"""Speed as ratios to bare baselines, side by side in one run: ``make bench``.

    A  a bare ASGI application that returns the same bytes, uvicorn, one worker, 32 connections
    C  orjson.loads of the document
    D  SELECT by key with bare psycopg, asynchronous, in AUTOCOMMIT
    E  one RSA-2048 signature

``rpps``, when it is named: the national directory at its true size (:mod:`bench.directory`), ten minutes and 3 GB.

Everything runs on the loopback: a whole installation is started in a folder of its own and removed. Two minutes. Load comes from
wrk where it is installed, else from connections of our own, which share the cores with the server.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop

from bench import directory, dmp, fhir, house, records, validation
from bench.load import WRK
from bench.rows import HEADER, Row
from hub import composition
from hub.storage.session import stop_embedded
from hub.verbs.dev import settings_of

SECTIONS = ("fhir", "validation", "dmp")
ON_DEMAND = ("rpps",)  # minutes, and gigabytes


def show(rows: list[Row]) -> None:
    for row in rows:
        print(row.shown(), flush=True)


def of_the_house(effort: fhir.Effort) -> None:
    """What needs a whole installation."""
    with TemporaryDirectory(prefix="colibri-bench-") as folder:
        print("Starting an installation…", file=sys.stderr)
        installed = house.start(Path(folder))
        try:
            found, told, accepted = uvloop.run(fhir.rows(installed, effort))
            show(found)
            url = composition.database_url(settings_of(installed.stack))
            patient, owner = (accepted[0][name]["reference"].split("/")[1] for name in ("for", "owner"))
            show(records.rows(url, patient, owner))
        finally:
            installed.stack.stop()
            stop_embedded(Path(folder) / "postgresql")
    print("\n" + "\n".join(told), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Ratios to bare baselines.")
    parser.add_argument(
        "section", nargs="*", choices=[*SECTIONS, *ON_DEMAND, []], help="fhir, validation and dmp when none is named"
    )
    parser.add_argument("--seconds", type=float, default=2.0, help="of one round of load")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=2_300_000, help="rpps: lines of the first day")
    parser.add_argument("--kills", type=int, default=0, help="rpps: how often the night is killed")
    parser.add_argument("--hostile", action="store_true", help="rpps: every oddity of true files")
    parser.add_argument("--folder", type=Path, help="rpps: where the days are kept between two runs")
    given = parser.parse_args()
    wanted = given.section or SECTIONS
    print(f"load: {WRK or 'connections of our own (wrk is not installed)'}\n{HEADER}")
    if "rpps" in wanted:
        directory.report(
            directory.Size(rows=given.rows, kills=given.kills, is_hostile=given.hostile, folder=given.folder)
        )
    if "validation" in wanted:
        show(validation.rows())
    if "fhir" in wanted:
        of_the_house(fhir.Effort(seconds=given.seconds, rounds=given.rounds))
    if "dmp" in wanted:
        print("\nE: one RSA-2048 signature")
        dmp.main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
