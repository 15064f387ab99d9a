"""A load of the directory as ``hub rpps`` tells it: figures, who differs, what was odd, each line that could not be read. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hub.connectors.rpps.load import Report
from hub.storage.directory_load import Load


def told(report: Report) -> list[str]:
    """A load that has just ended; one line when it changed nothing."""
    made = report.load
    if not report.is_new:
        return [f"Nothing changes: the {made.list} of {made.stamp or made.digest} is already served."]
    return list(lines(made))


def lines(made: Load) -> Iterator[str]:
    """A line of the register, served or refused, with everything its report holds."""
    if made.result != "served":
        yield f"{made.list} of {made.stamp or made.digest}, {made.result} {made.reason}".rstrip() + f": {made.source}"
    if made.list == "directory":
        counted = (
            f"{made.persons} persons, {made.situations} situations, {made.structures} structures from {made.rows} rows"
        )
        yield f"{counted} in {made.seconds:.1f} s ({made.rejected} rejected, {made.duplicates} twice)."
    else:
        yield f"{made.rows} rows of {made.list} in {made.seconds:.1f} s ({made.rejected} rejected)."
    differs = {kind: getattr(made, kind) for kind in ("added", "changed", "missing", "returned", "gone")}
    if any(differs.values()):
        yield "  " + ", ".join(f"{count} {kind}" for kind, count in differs.items())
    yield f"  {made.new_rows} rows are new, {made.lost_rows} are lost."
    for name, found in made.report.items():
        if name == "rejected":
            yield from (f"  line {one['line']}: {one['reason']} ({', '.join(one['fields'])})" for one in found)
        else:
            yield f"  {name}: {_plainly(found)}"
    kept = len(made.report.get("rejected", ()))
    if made.rejected > kept > 0:
        yield f"  and {made.rejected - kept} more lines that could not be read"


def _plainly(found: object) -> str:
    """A piece of a report as people read it."""
    if isinstance(found, dict):
        return "; ".join(f"{name}: {_plainly(one)}" for name, one in found.items())
    return ", ".join(map(str, found)) if isinstance(found, list | tuple) else str(found)
