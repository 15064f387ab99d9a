"""Sequences: numbers given without a lock, with gaps after a refused transaction."""

from __future__ import annotations

from sqlalchemy import Sequence

from hub.storage.tables import metadata

request_number = Sequence("request_number", metadata=metadata, start=1)
