"""Settings with throw-away keys, and the official validation compiled once."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from starlette.types import Receive, Scope, Send

from hub.connectors.dmp.client import DmpClient
from hub.connectors.dmp.settings import DmpSettings
from sandbox import authority
from sandbox.authority import Certificates
from sandbox.clock import Clock
from sandbox.dmp import DmpTwin
from sandbox.journal import Journal
from sandbox.settings import Settings
from sandbox.world import World

ISO = "isoschematron/resources/xsl/iso-schematron-xslt1"
SVRL = {"svrl": "http://purl.oclc.org/dsdl/svrl"}


def _certificate(
    subject: list[tuple[x509.ObjectIdentifier, str]],
    key: rsa.RSAPrivateKey,
    issuer: tuple[x509.Name, rsa.RSAPrivateKey] | None,
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in subject])
    signer, signing = issuer or (name, key)
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(signer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    return builder.sign(signing, hashes.SHA256())


@pytest.fixture(scope="session")
def seal(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A seal of the structure (certificate, then its authority) and its key, PEM."""
    folder = tmp_path_factory.mktemp("seal")
    root_key, key = (rsa.generate_private_key(65537, 2048) for _ in range(2))
    root = _certificate([(NameOID.COUNTRY_NAME, "FR"), (NameOID.COMMON_NAME, "TEST AUTHORITY")], root_key, None)
    subject = [
        (NameOID.COUNTRY_NAME, "FR"),
        (NameOID.ORGANIZATION_NAME, "CPTS DES BOUCLES DE L'OISE"),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "10B0123456"),
        (NameOID.COMMON_NAME, "HUB COLIBRI TEST CACHET"),
    ]
    own = _certificate(subject, key, (root.subject, root_key))
    pem = serialization.Encoding.PEM
    (folder / "seal.pem").write_bytes(own.public_bytes(pem) + root.public_bytes(pem))
    (folder / "seal.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "seal.pem", folder / "seal.key"


@pytest.fixture(scope="session")
def settings(seal: tuple[Path, Path]) -> DmpSettings:
    return DmpSettings(
        service_root="https://localhost:8104/si-dmp-server/v2/services/",
        signing_certificate=seal[0],
        signing_key=seal[1],
        structure_id="10B0123456",
        structure_name="CPTS des Boucles de l'Oise",
        source_oid="1.2.250.1.999.1.1.4242",
        lps_homologation="HOMOLOGATION-DE-TEST",
    )


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return authority.create(tmp_path_factory.mktemp("dmp") / "certificates")


@pytest.fixture
def world(certificates: Certificates, tmp_path: Path) -> World:
    clock = Clock(None)
    return World(settings=Settings(run_dir=tmp_path), clock=clock, certificates=certificates, journal=Journal(clock))


@pytest.fixture
def twin(world: World) -> DmpTwin:
    return DmpTwin(world)


@pytest.fixture
def line(twin: DmpTwin, certificates: Certificates) -> httpx.AsyncClient:
    """The door of the twin without a socket; the caller shows the transport certificate of the structure."""
    listener = twin.listeners()[0]
    shown = x509.load_pem_x509_certificates(certificates.path("hub-auth-cli").read_bytes())[0]
    der = shown.public_bytes(serialization.Encoding.DER)

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await listener.app({**scope, "state": {"client_certificate": der}}, receive, send)
        except ConnectionResetError as cut:  # what httpx makes of a cut line when there is one
            raise httpx.RemoteProtocolError(str(cut)) from cut

    return httpx.AsyncClient(transport=httpx.ASGITransport(door))


@pytest.fixture
def twin_settings(settings: DmpSettings, certificates: Certificates) -> DmpSettings:
    changes = {
        "signing_certificate": certificates.path("hub-sign"),
        "signing_key": certificates.key("hub-sign"),
        "structure_name": "CPTS DES BOUCLES DE L'OISE",
    }
    return settings.model_copy(update=changes)


@pytest.fixture
async def dmp(line: httpx.AsyncClient, twin_settings: DmpSettings) -> AsyncIterator[DmpClient]:
    async with line:
        yield DmpClient(line, twin_settings)


@pytest.fixture(scope="session")
def schema(conformance: Path) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(conformance / "cda" / "xsd" / "CDA_extended.xsd"))


@pytest.fixture(scope="session")
def schematron(conformance: Path) -> Callable[[bytes], list[str]]:
    """The official schematron: failed assertions of a document. Compiled once, with the ISO transforms that come with lxml."""
    saxonche = pytest.importorskip("saxonche", reason="the official schematron needs XSLT 2: install saxonche")
    transforms = Path(etree.__file__).parent / ISO
    folder = conformance / "cda" / "schematron"
    processor = saxonche.PySaxonProcessor(license=False)
    xslt = processor.new_xslt30_processor()

    def apply(sheet: str, source: str) -> str:
        node = processor.parse_xml(xml_text=source)
        return str(xslt.compile_stylesheet(stylesheet_file=str(transforms / sheet)).transform_to_string(xdm_node=node))

    rules = folder / "ASIP-STRUCT-MIN-StrucMin.sch"
    include = xslt.compile_stylesheet(stylesheet_file=str(transforms / "iso_dsdl_include.xsl"))
    expanded = apply("iso_abstract_expand.xsl", include.transform_to_string(source_file=str(rules)))
    expanded = re.sub(r'queryBinding="[^"]*"', 'queryBinding="xslt"', expanded, count=1)
    sheet = etree.fromstring(apply("iso_svrl_for_xslt1.xsl", expanded).encode())
    sheet.set("version", "2.0")
    sheet.set("{http://www.w3.org/XML/1998/namespace}base", (folder / "compiled.xsl").as_uri())
    compiled = xslt.compile_stylesheet(stylesheet_text=etree.tostring(sheet, encoding="unicode"))

    def failed(document: bytes) -> list[str]:
        node = processor.parse_xml(xml_text=document.decode())
        report = etree.fromstring(compiled.transform_to_string(xdm_node=node).encode())
        return ["".join(one.itertext()).strip() for one in report.iterfind(".//svrl:failed-assert", SVRL)]

    return failed
