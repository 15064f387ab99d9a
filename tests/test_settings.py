"""The three environments: what each file may hold, and what stops a start."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub import settings
from hub.settings import CONFIG, WrongSettings
from hub.verbs import doctor

OPERATOR = {
    "HUB_SERVE__PUBLIC_URL": "https://colibri.example.org",
    "HUB_SERVE__MACHINE_URL": "https://machines.example.org",
    "HUB_PSC__CLIENT_ID": "exemple-colibri",
    "HUB_PSC__CLIENT_SECRET": "secret",
    "HUB_PSC__REDIRECT_URI": "https://colibri.example.org/connexion/psc/retour",
    "HUB_PSC__POST_LOGOUT_URI": "https://colibri.example.org/connexion",
    "HUB_DMP__SERVICE_ROOT": "https://dmp.example.org/si-dmp-server/v2/services/",
    "HUB_DMP__SIGNING_CERTIFICATE": "/etc/colibri/seal.pem",
    "HUB_DMP__SIGNING_KEY": "/etc/colibri/seal.key",
    "HUB_DMP__STRUCTURE_ID": "1950000001",
    "HUB_DMP__STRUCTURE_NAME": "CPTS D'EXEMPLE",
    "HUB_DMP__SOURCE_OID": "1.2.250.1.999.1",
    "HUB_DMP__LPS_HOMOLOGATION": "homologation",
    "HUB_MAIL__HOST": "mail.example.org",
    "HUB_SMS__URL": "https://sms.example.org/messages",
    "HUB_ENCRYPTION_KEYS": '["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]',
}


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in settings.known_variables():
        monkeypatch.delenv(name, raising=False)
    settings.load.cache_clear()
    yield
    settings.load.cache_clear()


def contents() -> dict[str, dict[str, Any]]:
    return {file.stem: tomllib.loads(file.read_text(encoding="utf-8")) for file in CONFIG.glob("*.toml")}


def test_there_are_three_environments_with_the_same_groups() -> None:
    files = contents()
    assert set(files) == {"sandbox", "bas", "production"}
    groups = {name: {key for key, value in one.items() if isinstance(value, dict)} for name, one in files.items()}
    assert groups["bas"] == groups["production"] == groups["sandbox"]


@pytest.mark.parametrize("name", ["bas", "production"])
def test_no_real_environment_speaks_of_this_machine_or_holds_a_secret(name: str) -> None:
    text = (CONFIG / f"{name}.toml").read_text(encoding="utf-8")
    assert "localhost" not in text
    values = contents()[name]
    assert not values.get("outbox", {}).get("dry_run", False)
    for group, field in (("psc", "client_secret"), ("sms", "token"), ("mail", "password"), ("dmp", "lps_homologation")):
        assert field not in values[group]


@pytest.mark.parametrize("name", ["bas", "production"])
def test_a_real_environment_starts_with_what_its_operator_gives(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_ENV", name)
    for variable, value in OPERATOR.items():
        monkeypatch.setenv(variable, value)
    loaded = settings.load()
    assert loaded.env == name
    assert loaded.dmp.production is (name == "production")
    assert loaded.psc.accept_test_identities is (name == "bas")
    shown = {row["name"]: row["value"] for row in settings.table(loaded)}
    assert "secret" not in shown["psc.client_secret"]


def test_production_refuses_to_start_without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_ENV", "production")
    for variable, value in OPERATOR.items():
        if variable != "HUB_ENCRYPTION_KEYS":
            monkeypatch.setenv(variable, value)
    with pytest.raises(WrongSettings, match="HUB_ENCRYPTION_KEYS"):
        settings.load()


def test_a_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_ENV", "bas")
    with pytest.raises(WrongSettings, match=r"psc\.client_id"):
        settings.load()


def test_a_misspelled_variable_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_SAS__TIMEOUTT", "3")
    with pytest.raises(WrongSettings, match="HUB_SAS__TIMEOUTT"):
        settings.load()


def test_the_environment_wins_over_secret_files_and_these_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sms__token").write_text("du-fichier", encoding="utf-8")
    (tmp_path / "phone").write_text("01 99 00 00 01", encoding="utf-8")
    monkeypatch.setenv("HUB_SECRETS", str(tmp_path))
    monkeypatch.setenv("HUB_PHONE", "01 99 00 00 02")
    loaded = settings.load()
    assert loaded.sms.token.get_secret_value() == "du-fichier"
    assert loaded.phone == "01 99 00 00 02"


def test_an_unknown_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_ENV", "prodution")
    with pytest.raises(WrongSettings, match="prodution"):
        settings.load()


def test_a_file_of_communes_is_read_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "communes.csv"
    monkeypatch.setenv("HUB_COMMUNES_FILE", str(file))
    with pytest.raises(WrongSettings, match=r"communes\.csv n’existe pas ou ne s’ouvre pas"):
        settings.load()
    file.write_text("nom;latitude;longitude\nCergy;49;2\n", encoding="utf-8")
    with pytest.raises(
        WrongSettings, match=r"n’est pas une table de communes : aucune colonne n’y donne le code INSEE"
    ):
        settings.load()
    file.write_bytes("code_insee;nom;latitude;longitude\n95218;Éragny;49,01;2,09\n".encode("latin-1"))
    assert set(settings.communes(settings.load().communes_file or file).centres) == {"95218"}


STARTED = """
from hub import composition, settings
from hub.domain import places
composition.prepare(settings.load())
print(places.commune("95218"))
"""


def test_the_places_of_a_process_are_those_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "communes.csv"
    file.write_text("code_insee;latitude;longitude\n95218;49,01;2,09\n95218;;\n", encoding="utf-8")
    monkeypatch.setenv("HUB_COMMUNES_FILE", str(file))
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path))
    (told,) = doctor._communes(settings.load())
    assert not told.is_well  # a line of two
    assert told.detail.endswith("1 lines set aside, the first: 3, elle ne donne aucun point")
    done = subprocess.run([sys.executable, "-c", STARTED], capture_output=True, text=True, check=True)
    assert "longitude=2.09, latitude=49.01, precision=<Precision.CENTROID" in done.stdout
