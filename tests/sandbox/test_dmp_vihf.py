"""The assertion, the line and the envelope at the DMP twin: each fault under its subcode."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from lxml import etree

from sandbox.authority import Certificates, create
from sandbox.dmp import DmpTwin
from sandbox.world import World
from tests.sandbox.dmp_caller import Caller
from tests.sandbox.dmp_messages import (
    ITI18,
    ITI41,
    TD02,
    Lot,
    Note,
    Vihf,
    assertion,
    envelope,
    existence,
    seal_of,
    stored_query,
)

ClientFor = Callable[..., httpx.AsyncClient]


@pytest.fixture
def twin(world: World) -> DmpTwin:
    return DmpTwin(world)


@pytest.fixture
def caller(twin: DmpTwin, client_for: ClientFor, certificates: Certificates) -> Caller:
    return Caller(twin=twin, line=client_for(twin.app, certificate="hub-auth-cli"), certificates=certificates)


async def test_a_right_assertion_opens_the_door(caller: Caller) -> None:
    answer = await caller.exists()
    assert answer.status == 200, answer.reason
    assert caller.last.facts["mode"] == "INDIRECTE"


WRONG = {
    "too old": (lambda now: Vihf(now=now - timedelta(minutes=6)), "wsse:InvalidSecurityToken", "cinq minutes"),
    "too early": (lambda now: Vihf(now=now + timedelta(minutes=6)), "wsse:InvalidSecurityToken", "cinq minutes"),
    "other structure": (lambda now: Vihf(now=now, structure="10B0999999"), "wsse:InvalidSecurityToken", "OU"),
    "no structure": (lambda now: Vihf(now=now, left_out="Identifiant_Structure"), "wsse:InvalidSecurityToken", "OU"),
    "other issuer": (lambda now: Vihf(now=now, issuer="CN=AUTRE,C=FR"), "wsse:InvalidSecurityToken", "émetteur"),
    "unknown role": (
        lambda now: Vihf(now=now, roles=(("ZZ", "1.2.250.1.71.1.2.7"),)),
        "wsse:InvalidSecurityToken",
        "J65",
    ),
    "physician without speciality": (
        lambda now: Vihf(now=now, roles=(("10", "1.2.250.1.71.1.2.7"),)),
        "wsse:InvalidSecurityToken",
        "savoir-faire",
    ),
    "unprefixed subject": (lambda now: Vihf(now=now, subject="99700000017"), "wsse:InvalidSecurityToken", "préfixé"),
    "no homologation": (
        lambda now: Vihf(now=now, left_out="LPS_ID_HOMOLOGATION_DMP"),
        "wsse:InvalidSecurityToken",
        "HOMOLOGATION",
    ),
    "no patient": (
        lambda now: Vihf(now=now, left_out="urn:oasis:names:tc:xacml:2.0:resource:resource-id"),
        "wsse:InvalidSecurityToken",
        "resource-id",
    ),
    "direct mode with the structure's seal": (
        lambda now: Vihf(now=now, mode="DIRECTE"),
        "dmp:DMPInvalidCertificate",
        "CPS",
    ),
    "attribute not for the DMP": (
        lambda now: Vihf(
            now=now,
            extra='<s:Attribute Name="Palier_Authentification"><s:AttributeValue '
            'xsi:type="xs:string">APPPRIP3</s:AttributeValue></s:Attribute>',
        ),
        "wsse:InvalidSecurityToken",
        "étranger",
    ),
}


@pytest.mark.parametrize("what", WRONG)
async def test_a_wrong_assertion_is_a_fault(caller: Caller, what: str) -> None:
    build, subcode, word = WRONG[what]
    security = caller.security(build(caller.twin.world.clock.now()))
    answer = await caller.ask("patients", TD02, existence(), security=security)
    assert (answer.status, answer.subcode) == (400, subcode), answer.reason
    assert word in answer.reason
    assert not caller.last.accepted


async def test_a_physician_with_a_speciality_passes(caller: Caller) -> None:
    roles = (("10", "1.2.250.1.71.1.2.7"), ("SM26", "1.2.250.1.71.4.2.5"))
    security = caller.security(Vihf(now=caller.twin.world.clock.now(), roles=roles, subject="899700999909"))
    assert (await caller.ask("patients", TD02, existence(), security=security)).status == 200, caller.refused()


async def test_an_assertion_serves_once(caller: Caller) -> None:
    security = caller.security()
    assert (await caller.ask("patients", TD02, existence(), security=security)).status == 200
    again = await caller.ask("patients", TD02, existence(), security=security)
    assert "jamais servi" in again.reason


async def test_the_authentication_certificate_is_no_seal(caller: Caller) -> None:
    security = caller.security(seal=seal_of(caller.certificates, "hub-auth-cli"))
    answer = await caller.ask("patients", TD02, existence(), security=security)
    assert answer.subcode == "dmp:DMPInvalidCertificate"


async def test_a_seal_of_another_authority_is_refused(caller: Caller, tmp_path: Path) -> None:
    stranger = create(tmp_path / "elsewhere")
    answer = await caller.ask("patients", TD02, existence(), security=caller.security(seal=seal_of(stranger)))
    assert answer.subcode == "dmp:DMPInvalidCertificate"
    assert "autorité" in answer.reason


async def test_a_touched_assertion_is_refused(caller: Caller) -> None:
    security = caller.security().replace("MARTIN Claire", "MARTIN Clara")
    answer = await caller.ask("patients", TD02, existence(), security=security)
    assert answer.subcode == "wsse:FailedCheck"
    assert caller.refused() == ["La signature de l'assertion est juste."]


@pytest.mark.parametrize("rubbish", ["AAAA", "n'est pas du base64"])
async def test_unreadable_certificates_are_a_fault(caller: Caller, rubbish: str) -> None:
    security = caller.security()
    begin, end = security.index("X509Certificate>") + len("X509Certificate>"), security.index("</ds:X509Certificate>")
    alone = await caller.ask("patients", TD02, existence(), security=security[:begin] + rubbish + security[end:])
    assert alone.subcode == "dmp:DMPInvalidCertificate"
    after = end + len("</ds:X509Certificate>")
    security = caller.security()
    more = f"<ds:X509Certificate>{rubbish}</ds:X509Certificate>"
    beside = await caller.ask("patients", TD02, existence(), security=security[:after] + more + security[after:])
    assert beside.subcode == "dmp:DMPInvalidCertificate"


async def test_a_second_element_with_the_identifier_is_refused(caller: Caller) -> None:
    vihf = Vihf(now=caller.twin.world.clock.now())
    security = etree.tostring(assertion(vihf, caller.seal)).decode()
    body = existence().replace("<creationTime", f'<creationTime ID="{vihf.identifier}"', 1)
    answer = await caller.ask("patients", TD02, body, security=security)
    assert "Aucun autre élément ne porte l'identifiant de l'assertion." in caller.refused()
    assert answer.subcode == "wsse:FailedCheck"


async def test_a_wrapped_assertion_is_refused(caller: Caller) -> None:
    """The signed assertion hidden in an unsigned one, which is the one a careless reader would believe."""
    signed = assertion(Vihf(now=caller.twin.world.clock.now()), caller.seal)
    forged = etree.fromstring(etree.tostring(signed))
    forged.set("ID", "_11111111-2222-4333-8444-555555555555")
    forged.append(signed)
    answer = await caller.ask("patients", TD02, existence(), security=etree.tostring(forged).decode())
    assert answer.status == 400


@pytest.mark.parametrize("certificate", [None, "server"])
async def test_the_line_needs_an_authentication_certificate(
    twin: DmpTwin, client_for: ClientFor, certificates: Certificates, certificate: str | None
) -> None:
    caller = Caller(twin=twin, line=client_for(twin.app, certificate=certificate), certificates=certificates)
    assert (await caller.exists()).subcode == "dmp:DMPInvalidCertificate"


async def test_the_line_of_another_structure_is_refused(
    twin: DmpTwin, client_for: ClientFor, certificates: Certificates
) -> None:
    caller = Caller(twin=twin, line=client_for(twin.app, certificate="sas-client"), certificates=certificates)
    assert "certificat de la liaison (OU)" in (await caller.exists()).reason


async def test_reinforced_indirect_mode_may_not_feed(caller: Caller) -> None:
    vihf = Vihf(now=caller.twin.world.clock.now(), mode="INDIRECTE_RENFORCEE")
    answer = await caller.feed(Lot(note=Note(number=1)), security=caller.security(vihf))
    assert answer.subcode == "dmp:DMPAccessDenied"
    read = await caller.ask(
        "patients",
        TD02,
        existence(),
        security=caller.security(Vihf(now=caller.twin.world.clock.now(), mode="INDIRECTE_RENFORCEE")),
    )
    assert read.status == 200


async def test_search_by_metadata_is_closed_to_structures(caller: Caller) -> None:
    query = stored_query(
        "urn:uuid:14d4debf-8f97-4251-9a74-a90016b0af0d",
        {
            "$XDSDocumentEntryPatientId": "'279035121518989^^^&1.2.250.1.213.1.4.10&ISO^NH'",
            "$XDSDocumentEntryStatus": "('urn:oasis:names:tc:ebxml-regrep:StatusType:Approved')",
        },
    )
    answer = await caller.ask("registry", ITI18, query)
    assert answer.errors == ["DMPAccessDenied"]


ENVELOPE_CHANGES = {
    "SOAP 1.1": ("http://www.w3.org/2003/05/soap-envelope", "http://schemas.xmlsoap.org/soap/envelope/"),
    "no message id": ("urn:uuid:", "uuid-"),
    "other service": ("/services/patients<", "/services/registry<"),
    "reply elsewhere": ("addressing/anonymous", "addressing/none"),
    "doctype": ("<e:Envelope", "<!DOCTYPE e:Envelope><e:Envelope"),
    "no security": ("w:Security", "w:Securite"),
}


@pytest.mark.parametrize("what", ENVELOPE_CHANGES)
async def test_a_wrong_envelope_is_a_fault(caller: Caller, what: str) -> None:
    before, after = ENVELOPE_CHANGES[what]
    whole = envelope(existence(), action=TD02, service="patients", security=caller.security()).decode()
    assert before in whole
    answer = await caller.post("patients", "application/soap+xml; charset=UTF-8", whole.replace(before, after).encode())
    assert answer.status == 400
    assert answer.text("//e:Fault/e:Code/e:Value") == "soapenv:Sender"


async def test_an_unknown_action_is_a_fault(caller: Caller) -> None:
    feeding = await caller.ask("registry", ITI41, "<x/>")
    assert feeding.subcode == "wsa:ActionNotSupported"
    other = await caller.ask("patients", "urn:hl7-org:v3:PRPA_IN201305UV02", "<x/>")
    assert other.subcode == "wsa:ActionNotSupported"
