"""Run by alembic for each command: one connection, timeouts, and a transaction for each migration."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, text

from hub.storage.migrations.run import LOCK_TIMEOUT, STATEMENT_TIMEOUT, is_ours
from hub.storage.session import psycopg_url
from hub.storage.tables import everything

engine = create_engine(psycopg_url(context.config.attributes["url"]))
with engine.connect() as line:
    line.execute(text("SELECT set_config('lock_timeout', :time, false)"), {"time": LOCK_TIMEOUT})
    line.execute(text("SELECT set_config('statement_timeout', :time, false)"), {"time": STATEMENT_TIMEOUT})
    line.commit()
    context.configure(
        connection=line,
        target_metadata=everything(),
        transaction_per_migration=True,
        compare_type=True,
        compare_server_default=True,
        include_object=is_ours,
    )
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
