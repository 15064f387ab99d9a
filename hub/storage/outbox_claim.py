"""The claim: one short statement that takes the first due message of each lane, for a lease.

``NOT EXISTS`` keeps a lane in order, ``SKIP LOCKED`` lets several workers ask at once. When two workers look at the same row, the
second finds it locked and skips it, or finds it already leased: PostgreSQL evaluates the condition again on the new row.
"""

from __future__ import annotations

from sqlalchemy import bindparam, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import ARRAY, TEXT

from hub.storage.tables.machinery import outbox

_o = outbox.alias("o")
_earlier = outbox.alias("earlier")
_now = func.clock_timestamp()

_next = (
    select(_o.c.id)
    .where(
        _o.c.state == "waiting",
        _o.c.due_at <= bindparam("now"),
        or_(_o.c.held_until.is_(None), _o.c.held_until < _now),
        _o.c.topic == func.any(bindparam("topics", type_=ARRAY(TEXT))),
        ~exists().where(_earlier.c.lane == _o.c.lane, _earlier.c.id < _o.c.id, _earlier.c.state == "waiting"),
    )
    .order_by(_o.c.due_at, _o.c.id)
    .limit(bindparam("n"))
    .with_for_update(skip_locked=True, of=_o)
    .cte("next")
)

CLAIM = (
    update(outbox)
    .where(outbox.c.id == _next.c.id)
    .values(
        attempts=outbox.c.attempts + 1,
        lease=outbox.c.lease + 1,
        held_until=_now + func.make_interval(0, 0, 0, 0, 0, 0, bindparam("seconds")),
    )
    .returning(
        *(
            outbox.c[name]
            for name in (
                "id", "topic", "lane", "payload", "put_at", "first_due_at", "due_at", "state", "attempts", "lease",
                "prepared", "last_error", "ended_at",
            )
        )
    )
)  # fmt: skip
