from __future__ import annotations

import ast
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine

from hub.storage.migrations import run
from hub.storage.session import libpq_url, psycopg_url
from hub.storage.tables import everything


def test_from_empty_to_head_and_nothing_differs(empty_database_url: str, tmp_path: Path) -> None:
    assert run.current(empty_database_url) is None
    assert run.check(empty_database_url, versions=tmp_path)  # tables are missing
    written = run.revision(empty_database_url, "resources", versions=tmp_path)
    assert Path(written).name == "0001_resources.py"
    assert ast.parse(Path(written).read_text(encoding="utf-8"))
    run.upgrade(empty_database_url, versions=tmp_path)
    assert run.current(empty_database_url) == run.head(tmp_path) == "0001"
    assert run.check(empty_database_url, versions=tmp_path) == []
    run.upgrade(empty_database_url, versions=tmp_path)
    with pytest.raises(ValueError, match="nothing differs"):
        run.revision(empty_database_url, "again", versions=tmp_path)


def test_the_migration_brings_triggers_and_sequences_too(empty_database_url: str, tmp_path: Path) -> None:
    run.revision(empty_database_url, "resources", versions=tmp_path)
    run.upgrade(empty_database_url, versions=tmp_path)
    with psycopg.connect(libpq_url(empty_database_url), autocommit=True) as line:
        found = line.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = 'append_only' ORDER BY 1")
        assert [row[0] for row in found] == ["audit", "audit_chain"]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            line.execute("DELETE FROM audit")
        assert line.execute("SELECT nextval('request_number')").fetchone() == (1,)
        line.execute("DROP SEQUENCE request_number")
    assert run.check(empty_database_url, versions=tmp_path) == ["add_sequence request_number"]


def test_several_starts_at_once(empty_database_url: str, tmp_path: Path) -> None:
    run.revision(empty_database_url, "resources", versions=tmp_path)
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(run.upgrade, empty_database_url, versions=tmp_path) for _ in range(4)]:
            done.result(timeout=60)
    assert run.check(empty_database_url, versions=tmp_path) == []


def test_check_names_what_differs(empty_database_url: str, tmp_path: Path) -> None:
    run.revision(empty_database_url, "resources", versions=tmp_path)
    run.upgrade(empty_database_url, versions=tmp_path)
    with psycopg.connect(libpq_url(empty_database_url), autocommit=True) as line:
        line.execute("ALTER TABLE board DROP COLUMN reason")
        line.execute("CREATE TABLE foreign_thing (n int)")
    differences = run.check(empty_database_url, versions=tmp_path)
    assert any("board" in one and "reason" in one for one in differences)
    assert any("foreign_thing" in one for one in differences)


def test_tables_made_without_migrations_are_not_at_head(empty_database_url: str, tmp_path: Path) -> None:
    engine = create_engine(psycopg_url(empty_database_url))
    everything().create_all(engine)
    engine.dispose()
    (tmp_path / "0001_x.py").write_text('revision = "0001"\ndown_revision = None\n\ndef upgrade():\n    pass\n')
    assert run.check(empty_database_url, versions=tmp_path) == ["the database is not at the latest version"]


@pytest.mark.skipif(run.head() is None, reason="no migration was written yet")
def test_our_own_migrations_lead_to_our_tables(empty_database_url: str) -> None:
    run.upgrade(empty_database_url)
    assert run.check(empty_database_url) == []
