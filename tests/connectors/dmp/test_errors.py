"""Every national code and its kind, through the real reading of a real answer."""

from __future__ import annotations

import csv
from pathlib import Path

import httpx
import pytest

from hub.connectors.dmp import exchange, outbound, soap
from hub.connectors.dmp.client import DmpClient
from hub.connectors.dmp.exchange import ERRORS
from hub.connectors.dmp.settings import DmpSettings
from hub.connectors.failure import ConnectorFailure, Kind
from tests.connectors.dmp.notes import sendable

# dmp.md 4.8, in the order of its table; the answers that no retry may follow are refused.
REFUSED = """
    XDSDuplicateUniqueIdInRegistry XDSNonIdenticalHash XDSNonIdenticalSize XDSRegistryDuplicateUniqueIdInMessage
    XDSRepositoryDuplicateUniqueIdInMessage XDSMissingDocument XDSMissingDocumentMetadata XDSRegistryMetadataError
    XDSRepositoryMetadataError XDSPatientIdDoesNotMatch XDSUnknownPatientId XDSRegistryDeprecatedDocumentError
    UnresolvedReferenceException XDSMetadataUpdateError XDSMetadataUpdateOperationError XDSMetadataVersionError
    InvalidDocumentContent XDSDocumentUniqueIdError XDSUnknownRepositoryId XDSStoredQueryMissingParam
    XDSStoredQueryParamNumber XDSUnknownStoredQuery XDSTooManyResults DMPClosed DMPPatientAccessAlreadyExists
    DMPPatientAccessOTPAlreadyExists DMPQuelqueChoseDInconnu XDSNeuf
"""
BUSY = """
    XDSRegistryBusy XDSRepositoryBusy XDSRegistryOutOfResources XDSRepositoryOutOfResources XDSRegistryNotAvailable
    XDSRegistryError XDSRepositoryError
"""
REGISTRY = {
    **dict.fromkeys(REFUSED.split(), Kind.REFUSED),
    **dict.fromkeys(BUSY.split(), Kind.BUSY),
    "DMPInvalidCertificate": Kind.DENIED,
}
FAULTS = {
    ("Sender", "InvalidSecurityToken"): Kind.DENIED,
    ("Sender", "FailedAuthentication"): Kind.DENIED,
    ("Sender", "DMPInvalidCertificate"): Kind.DENIED,
    ("Sender", "MessageExpired"): Kind.DENIED,
    ("Sender", "DMPAutreChose"): Kind.REFUSED,
    ("Sender", ""): Kind.REFUSED,
    ("Receiver", ""): Kind.UNREACHABLE,
    ("Receiver", "PanneInterne"): Kind.UNREACHABLE,
    ("MustUnderstand", ""): Kind.REFUSED,
}
EMPTY_QUERY = (
    '<AdhocQueryResponse xmlns="urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0" '
    'status="urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success"/>'
)


def enveloped(payload: str) -> str:
    return f'<e:Envelope xmlns:e="{soap.SOAP}"><e:Header/><e:Body>{payload}</e:Body></e:Envelope>'


def client(settings: DmpSettings, payload: str, status: int = 200) -> DmpClient:
    """A DMP that answers this to every feeding, and that knows no document."""

    def answer(request: httpx.Request) -> httpx.Response:
        said = EMPTY_QUERY if b"RegistryStoredQuery" in request.content else payload
        code = 200 if said == EMPTY_QUERY else status
        return httpx.Response(code, text=enveloped(said), headers={"Content-Type": "application/soap+xml"})

    return DmpClient(httpx.AsyncClient(transport=httpx.MockTransport(answer)), settings)


async def met(settings: DmpSettings, payload: str, status: int = 200) -> ConnectorFailure:
    with pytest.raises(ConnectorFailure) as caught:
        await client(settings, payload, status).iti41(sendable(settings=settings))
    return caught.value


@pytest.mark.parametrize(("code", "kind"), REGISTRY.items())
async def test_every_registry_error_has_its_kind(settings: DmpSettings, code: str, kind: Kind) -> None:
    payload = (
        '<RegistryResponse xmlns="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0" '
        'status="urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Failure"><RegistryErrorList>'
        '<RegistryError errorCode="Avertissement" severity="urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Warning"/>'
        f'<RegistryError errorCode="{code}" codeContext="contexte" '
        'severity="urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Error"/></RegistryErrorList></RegistryResponse>'
    )
    failure = await met(settings, payload)
    assert (failure.kind, failure.code, failure.detail) == (kind, code, "contexte")


@pytest.mark.parametrize(("codes", "kind"), FAULTS.items())
@pytest.mark.parametrize("status", [200, 400, 500])
async def test_every_fault_has_its_kind_whatever_the_status(
    settings: DmpSettings, codes: tuple[str, str], kind: Kind, status: int
) -> None:
    code, subcode = codes
    inner = f"<e:Subcode><e:Value>p:{subcode}</e:Value></e:Subcode>" if subcode else ""
    payload = (
        f'<e:Fault xmlns:p="urn:p"><e:Code><e:Value>e:{code}</e:Value>{inner}</e:Code>'
        '<e:Reason><e:Text xml:lang="fr">raison</e:Text></e:Reason></e:Fault>'
    )
    failure = await met(settings, payload, status)
    assert (failure.kind, failure.code) == (kind, subcode or code)


async def test_warnings_beside_a_success_do_no_harm(settings: DmpSettings) -> None:
    payload = (
        '<RegistryResponse xmlns="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0" '
        'status="urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success"><RegistryErrorList>'
        '<RegistryError errorCode="X" severity="urn:oasis:names:tc:ebxml-regrep:ErrorSeverityType:Warning"/>'
        "</RegistryErrorList></RegistryResponse>"
    )
    one = sendable(settings=settings)
    assert (await client(settings, payload).iti41(one)).unique_id == one.entry.unique_id


@pytest.mark.parametrize(
    "payload",
    [
        "<Autre/>",
        '<RegistryResponse xmlns="urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0" status="Peut-être"/>',
        '<RegistryResponse xmlns="urn:autre" status="urn:oasis:names:tc:ebxml-regrep:ResponseStatusType:Success"/>',
    ],
)
async def test_an_answer_that_breaks_the_standard_is_garbled(settings: DmpSettings, payload: str) -> None:
    failure = await met(settings, payload)
    assert failure.kind is Kind.GARBLED
    assert failure.raw


async def test_an_answer_to_another_message_is_garbled(settings: DmpSettings) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        head = '<a:RelatesTo xmlns:a="http://www.w3.org/2005/08/addressing">urn:uuid:autre</a:RelatesTo>'
        return httpx.Response(200, text=enveloped("<x/>").replace("<e:Header/>", f"<e:Header>{head}</e:Header>"))

    dmp = DmpClient(httpx.AsyncClient(transport=httpx.MockTransport(answer)), settings)
    with pytest.raises(ConnectorFailure) as caught:
        await dmp.iti41(sendable(settings=settings))
    assert caught.value.kind is Kind.GARBLED


def test_every_row_speaks_french_and_says_what_to_do() -> None:
    file = Path(exchange.__file__).with_name("errors.csv")
    with file.open(encoding="utf-8") as opened:
        rows = list(csv.DictReader(opened))
    assert len(rows) == len(ERRORS), "one row a code"
    assert all(row["french"].endswith(".") and row["remedy"].endswith(".") for row in rows)
    assert {code for code, kind in REGISTRY.items() if ERRORS.get(code) and ERRORS[code].kind is not kind} == set()


@pytest.mark.parametrize("kind", [Kind.REFUSED, Kind.GARBLED, Kind.UNREACHABLE, Kind.BUSY, Kind.DENIED])
def test_a_code_of_no_table_still_gets_a_sentence(kind: Kind) -> None:
    french, remedy = outbound.words(ConnectorFailure("dmp", kind, "DMPNeuf"))
    assert french
    assert remedy
    assert "{" not in french
