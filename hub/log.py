"""Structured logs: events with named fields from an allow-list; no sentence, hence no patient datum, ever gets in.

A field that is not on the list is dropped in production, and is an error in tests.
"""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Any, TextIO, cast

import structlog

# What a log line may hold: identifiers of ours, codes, counts and durations. Never a name, a text, a number of a person.
FIELDS = frozenset({
    "request", "task", "note", "network", "topic", "lane", "row", "attempt", "wave", "asked", "fresh", "state", "code", "kind",
    "service", "status", "method", "route", "seconds", "count", "version", "account", "client", "capacity", "event", "level",
    "timestamp", "correlation", "retry_in", "error", "file", "line", "address", "process", "reference", "outcome", "exception",
    "stack_info", "exc_info", "rows", "entry", "log_level",
})  # fmt: skip

LIBRARIES = "libraries"  # name of the handler that hears them


class UnknownField(Exception):
    """A field that is not on the allow-list was logged: tests only."""


class _Mode:
    """Whether an unknown field is an error (tests) or dropped (elsewhere)."""

    strict: bool = False


def _allowed(_logger: Any, _name: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    strange = set(line) - FIELDS
    if strange and _Mode.strict:
        raise UnknownField(", ".join(sorted(strange)))
    return {name: value for name, value in line.items() if name in FIELDS}


def where(error: BaseException) -> str:
    """Kinds and places of an exception and of what caused it. Messages are left out: those of a database, of a validator or of
    our own ``ValueError`` quote the value that is wrong, which may be a patient's.
    """
    parts: list[str] = []
    link: BaseException | None = error
    while link is not None:
        kind = type(link)
        name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        frames = [f"  {one.filename}:{one.lineno} in {one.name}" for one in traceback.extract_tb(link.__traceback__)]
        parts.append("\n".join([name, *frames]))
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return "\ncaused by ".join(parts)


def _trace(_logger: Any, _name: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    error = sys.exc_info()[1] if line.pop("exc_info", False) else None
    return line if error is None else {**line, "exception": where(error)}


def _library(_logger: Any, level: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """What a library says, without its words: the web server would write out whatever an application lets escape."""
    record: logging.LogRecord = line["_record"]
    error = line["exc_info"][1] if line.get("exc_info") else None
    heard = {"event": f"library.{record.name}", "level": level, "file": record.pathname, "line": record.lineno}
    return heard if error is None else {**heard, "exception": where(error)}


class _StandardError:
    """The standard error of the moment: a stream kept from set-up would be closed where somebody replaced it since."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def _hear_libraries(stamp: structlog.typing.Processor, renderer: structlog.typing.Processor) -> None:
    """Warnings and errors of libraries, in the form of our own lines."""
    root = logging.getLogger()
    root.handlers = [handler for handler in root.handlers if handler.name != LIBRARIES]
    handler = logging.StreamHandler(_StandardError())
    handler.name = LIBRARIES
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=[_library, stamp, renderer]))
    root.addHandler(handler)


def configure(*, level: str = "INFO", as_text: bool = False, strict: bool = False) -> None:
    """Set the process's logs up: JSON lines on standard error, or readable text in a terminal."""
    _Mode.strict = strict
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    renderer: Any = structlog.dev.ConsoleRenderer(colors=False) if as_text else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            stamp,
            _trace,
            _allowed,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, _StandardError())),
        cache_logger_on_first_use=False,
    )
    _hear_libraries(stamp, renderer)


def event(name: str, **fields: Any) -> None:
    """One event, for instance ``log.event("request.accepted", request=id, wave=2)``."""
    structlog.get_logger().info(name, **fields)


def trouble(name: str, *, with_trace: bool = False, **fields: Any) -> None:
    """One event that somebody should look at; ``with_trace`` adds the current exception's trace."""
    structlog.get_logger().error(name, exc_info=with_trace, **fields)


def bind(**fields: Any) -> None:
    """Fields that every later line of this task carries, for instance ``correlation``."""
    structlog.contextvars.bind_contextvars(**fields)
