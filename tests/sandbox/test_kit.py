"""The parts every twin stands on: settings, clock, authority, journal, faults, servers."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID
from fastapi import FastAPI, Request
from pydantic import ValidationError

from sandbox import authority
from sandbox.authority import PROFILES, Certificates
from sandbox.clock import Clock
from sandbox.faults import Faults, with_faults
from sandbox.journal import Check, Journal
from sandbox.servers import Listener, bind, listening
from sandbox.settings import Settings
from sandbox.world import World


def test_doors_follow_the_base_port(tmp_path: Path) -> None:
    settings = Settings(run_dir=tmp_path, base_port=9200)
    assert (settings.port("home"), settings.port("sms")) == (9200, 9207)
    assert settings.url("dmp") == "https://localhost:9204"
    assert settings.url("wallet") == "http://localhost:9202"


@pytest.mark.parametrize("name", ["production", "Production "])
def test_never_beside_the_production(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("HUB_ENV", name)
    with pytest.raises(ValidationError, match="production"):
        Settings()


def test_settings_read_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_ENV", "sandbox")
    monkeypatch.setenv("SANDBOX_BASE_PORT", "9000")
    monkeypatch.setenv("SANDBOX_HUB_URL", "http://localhost:8000/")
    assert Settings().base_port == 9000
    assert Settings().hub_url == "http://localhost:8000"


def test_two_clocks_on_one_file_tell_the_same_time(tmp_path: Path) -> None:
    ours, theirs = Clock(tmp_path / "run" / "clock"), Clock(tmp_path / "run" / "clock")
    assert ours.offset == 0.0
    ours.advance(3600)
    ours.advance(0.5)
    assert theirs.offset == 3600.5
    assert theirs.now() - datetime.now(UTC) > timedelta(minutes=59)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["clock"]


def test_a_clock_without_file_keeps_its_offset() -> None:
    clock = Clock(None)
    clock.advance(-60)
    assert clock.offset == -60
    assert clock.now().tzinfo is UTC


def test_certificates_say_what_they_are_for(certificates: Certificates) -> None:
    root = x509.load_pem_x509_certificate(certificates.authority.read_bytes())
    assert "SANDBOX" in root.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    for name in PROFILES:
        first, chain = x509.load_pem_x509_certificates(certificates.path(name).read_bytes())
        first.verify_directly_issued_by(root)
        assert chain == root
        assert certificates.key(name).stat().st_mode & 0o077 == 0
    client = x509.load_pem_x509_certificate(certificates.path("hub-auth-cli").read_bytes())
    usages = client.extensions.get_extension_for_oid(ExtensionOID.EXTENDED_KEY_USAGE).value
    assert list(usages) == [ExtendedKeyUsageOID.CLIENT_AUTH]  # type: ignore[call-overload]
    assert client.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)[0].value == "10B0123456"
    seal = x509.load_pem_x509_certificate(certificates.path("hub-sign").read_bytes())
    assert seal.extensions.get_extension_for_class(x509.KeyUsage).value.content_commitment
    with pytest.raises(x509.ExtensionNotFound):
        seal.extensions.get_extension_for_oid(ExtensionOID.EXTENDED_KEY_USAGE)


def test_journal_counts_filters_and_forgets() -> None:
    journal = Journal(Clock(None))
    fields: dict[str, Any] = {"direction": "in", "title": "t", "verdict": "conforme", "accepted": True}
    first = journal.add(twin="sms", checks=(Check(what="Texte", passed=True),), **fields)
    second = journal.add(twin="mail", **fields)
    assert [entry.id for entry in journal.entries()] == [1, 2]
    assert journal.entries("sms") == [first]
    assert journal.entries(since=1) == [second]
    journal.clear("sms")
    assert journal.entries() == [second]
    assert journal.entry(1) is None
    journal.clear()
    assert journal.add(twin="sms", **fields).id == 3


def test_a_fault_wears_out() -> None:
    faults = Faults({"full": "boîte pleine"})
    faults.set("full", times=2)
    faults.set("slow", times=0)
    assert [fault.kind for fault in faults.active()] == ["full", "slow"]
    assert faults.take("full") and faults.take("full")
    assert faults.take("full") is None
    assert faults.take("slow") and faults.take("slow")
    faults.clear()
    assert faults.take("slow") is None


@pytest.mark.parametrize(
    "wrong",
    [{"kind": "thunder"}, {"kind": "status", "value": "200"}, {"kind": "slow", "seconds": -1.0}, {"kind": "status"}],
)
def test_a_fault_nobody_knows_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"fault|seconds"):
        Faults().set(**wrong)


def echo() -> FastAPI:
    app = FastAPI()

    @app.get("/qui")
    async def who(request: Request) -> dict[str, str | None]:
        der = request.scope["state"]["client_certificate"]
        if der is None:
            return {"name": None}
        subject = x509.load_der_x509_certificate(der).subject
        return {"name": str(subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)}

    return app


async def test_generic_faults_at_a_door(client_for: Any) -> None:
    faults, heard = Faults(), []
    faults.told = lambda fault, scope: heard.append((fault.kind, scope["path"]))
    async with client_for(with_faults(echo(), faults), "sas-client") as client:
        assert (await client.get("/qui")).json() == {"name": "fr.health.samu950"}
        faults.set("status", value="503", seconds=7)
        busy = await client.get("/qui")
        assert (busy.status_code, busy.headers["retry-after"]) == (503, "7")
        faults.set("html")
        page = await client.get("/qui")
        assert page.headers["content-type"].startswith("text/html")
        faults.set("slow", seconds=0.01)
        assert (await client.get("/qui")).status_code == 200
        for kind in ("cut", "silence"):
            faults.set(kind, seconds=0.01)
            with pytest.raises(httpx.RemoteProtocolError):
                await client.get("/qui")
        assert (await client.get("/qui")).status_code == 200
    assert heard == [(kind, "/qui") for kind in ("status", "html", "slow", "cut", "silence")]


async def test_a_moody_door_fails_as_the_protocol_allows(client_for: Any) -> None:
    async with client_for(with_faults(echo(), Faults(), moody=1.0)) as client:
        for _ in range(5):
            try:
                answer = await client.get("/qui", timeout=5)
            except httpx.RemoteProtocolError:
                continue
            assert answer.status_code in (200, 503)


def trusting(certificates: Certificates, name: str | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(certificates.authority))
    if name:
        context.load_cert_chain(certificates.path(name), certificates.key(name))
    return context


async def test_real_doors_see_the_certificate(open_world: World) -> None:
    faults = Faults()
    doors = [
        Listener(name="psc", app=echo()),
        Listener(name="sas", app=echo(), client_certificate="required"),
        Listener(name="dmp", app=with_faults(echo(), faults), client_certificate="optional"),
        Listener(name="wallet", app=echo(), tls=False),
    ]
    settings, certificates = open_world.settings, open_world.certificates
    async with listening(doors, open_world):
        async with httpx.AsyncClient(verify=trusting(certificates, "hub-auth-cli")) as client:
            assert (await client.get(settings.url("sas") + "/qui")).json() == {"name": "HUB COLIBRI SANDBOX AUTH"}
            assert (await client.get(settings.url("dmp") + "/qui")).json() == {"name": "HUB COLIBRI SANDBOX AUTH"}
            assert (await client.get(settings.url("psc") + "/qui")).json() == {"name": None}
        async with httpx.AsyncClient(verify=trusting(certificates)) as client:
            assert (await client.get(settings.url("dmp") + "/qui")).json() == {"name": None}
            assert (await client.get(settings.url("wallet") + "/qui")).json() == {"name": None}
            with pytest.raises(httpx.TransportError):
                await client.get(settings.url("sas") + "/qui")
            faults.set("cut")
            with pytest.raises(httpx.TransportError):
                await client.get(settings.url("dmp") + "/qui")
            faults.set("silence", seconds=30)
            with pytest.raises(httpx.ReadTimeout):
                await client.get(settings.url("dmp") + "/qui", timeout=0.3)
            assert (await client.get(settings.url("dmp") + "/qui")).status_code == 200
    bind(settings.host, settings.port("sas")).close()


async def test_a_certificate_of_another_authority_does_not_pass(open_world: World, tmp_path: Path) -> None:
    stranger = await asyncio.to_thread(authority.create, tmp_path / "stranger")
    door = Listener(name="sas", app=echo(), client_certificate="required")
    context = trusting(open_world.certificates)
    context.load_cert_chain(stranger.path("hub-auth-cli"), stranger.key("hub-auth-cli"))
    async with listening([door], open_world), httpx.AsyncClient(verify=context) as client:
        with pytest.raises(httpx.TransportError):
            await client.get(open_world.settings.url("sas") + "/qui")


async def test_a_taken_port_opens_no_door(open_world: World) -> None:
    taken = bind(open_world.settings.host, open_world.settings.port("dmp"))
    taken.listen()
    doors = [Listener(name="psc", app=echo()), Listener(name="dmp", app=echo())]
    with pytest.raises(OSError, match=str(open_world.settings.port("dmp"))):
        async with listening(doors, open_world):
            pass
    taken.close()
    bind(open_world.settings.host, open_world.settings.port("psc")).close()
