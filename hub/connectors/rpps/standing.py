"""Where the increments of the FHIR API stand: from which moment the next one asks (rpps.md 11.3). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hub.connectors.rpps.settings import RppsSettings
from hub.connectors.rpps.troubles import failure
from hub.storage.directory_load import Load

# The files of an extraction are hours older than its name, and nobody says in which zone that hour is.
MARGIN = timedelta(hours=6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """``since``: from when to ask; ``directory``: the extraction served; ``last``: the last increment served, ``None`` before the
    first one."""

    since: datetime
    directory: Load
    last: Load | None

    @property
    def is_settled(self) -> bool:
        """Whether an extraction was loaded after the last increment: what that one said may have to be said again."""
        return self.last is None or self.last.id < self.directory.id

    def has_seen(self, digest: str) -> bool:
        """Whether the last increment was made of the same versions of the same resources, and is the last word."""
        return not self.is_settled and self.last is not None and self.last.digest == digest


def standing(directory: Load | None, last: Load | None, settings: RppsSettings, now: datetime) -> Standing:
    """From when to ask, minus what clocks may differ by: the last update seen, or the moment that an extraction loaded since was
    made, which settled all that came before. The API forgets: raises ``increments-too-old`` beyond its window, ``no-extraction``
    when there is nothing to add to.
    """
    if directory is None:
        raise failure("no-extraction")
    moment = seen(last) if last is not None and last.id > directory.id else made(directory) - MARGIN
    since = moment - overlap_of(settings)
    if since < now - timedelta(days=settings.api_window_days):
        raise failure("increments-too-old", f"{moment:%Y-%m-%d %H:%M} UTC")
    return Standing(since=since, directory=directory, last=last)


def overlap_of(settings: RppsSettings) -> timedelta:
    """How much is asked for again."""
    return timedelta(hours=settings.api_overlap_hours)


def seen(last: Load) -> datetime:
    """The last update that an increment saw."""
    return datetime.fromisoformat(last.report["seen"])


def made(directory: Load) -> datetime:
    """The moment that the name of an extraction tells, else when it was loaded."""
    try:
        return datetime.strptime(directory.stamp, "%Y%m%d%H%M").replace(tzinfo=UTC)
    except ValueError:
        return directory.loaded_at
