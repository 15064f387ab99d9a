"""Make the tables of this folder from CSV extracts of the R4 definitions: ``python -m hub.r4.definitions.generate SOURCE_DIR``.

The source folder holds ``fhir-r4-elements.csv`` (one line for each element of the snapshots: path, min, max, types,
reference_targets) and ``fhir-r4-required-codes.csv`` (expansions of required bindings: path, system, code). ``types.csv`` is
the plain list of the 146 resource types of R4, which no extract names in full.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable
from pathlib import Path

from hub.r4.definitions import FOLDER


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _write(name: str, header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> int:
    lines = list(rows)
    with (FOLDER / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(lines)
    return len(lines)


def main(source_dir: str) -> None:
    """Write the two tables."""
    folder = Path(source_dir)
    elements = _read(folder / "fhir-r4-elements.csv")
    codes = _read(folder / "fhir-r4-required-codes.csv")
    counts = (
        _write(
            "elements.csv",
            ("path", "min", "max", "types", "targets"),
            ((line["path"], line["min"], line["max"], line["types"], line["reference_targets"]) for line in elements),
        ),
        _write(
            "codes.csv",
            ("path", "system", "code"),
            sorted({(line["path"], line["system"], line["code"]) for line in codes}),
        ),
    )
    sys.stdout.write("elements {}, codes {}\n".format(*counts))


if __name__ == "__main__":
    main(sys.argv[1])
