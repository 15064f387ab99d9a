"""The DMP side: a signed assertion against one bare RSA signature, and the making of a document.

    python bench/dmp.py

Baseline: one RSA-2048 signature of ``cryptography``, measured in turn with the assertion so that a busy machine slows both.
Target: a signed assertion costs at most 2.5 of them.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from pydantic import SecretStr

from hub.connectors.dmp import cda, mapping, signatures, vihf
from hub.connectors.dmp.settings import DmpSettings
from hub.connectors.dmp.submission import Submission

TARGET = 2.5
ROUNDS, EACH = 40, 25
NOW = datetime(2026, 11, 5, 17, 30, tzinfo=UTC)


def seal(folder: Path) -> tuple[Path, Path]:
    """A throw-away seal, as PEM files."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"), x509.NameAttribute(NameOID.COMMON_NAME, "BENCH")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=3650))
    certificate = builder.sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    (folder / "seal.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "seal.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "seal.pem", folder / "seal.key"


def filing() -> mapping.Filing:
    """A physician's note of 2 000 characters."""
    return mapping.Filing(
        unique_id="1.2.250.1.999.3.1",
        set_id="1.2.250.1.999.2.1",
        submission_id="1.2.250.1.999.1.1",
        kind="OBS",
        text="Pas de fièvre, tension stable. " * 65,
        written_at=NOW,
        asked_at=NOW,
        patient=mapping.Identity(
            id="p-1",
            ins="279035121518989",
            ins_oid="1.2.250.1.213.1.4.10",
            reliability="QUAL",
            birth_name="PAT-TROIS",
            given="DOMINIQUE MARIE-LOUISE",
            first_given="DOMINIQUE",
            sex="female",
            birth_date=date(1979, 3, 28),
            birth_place="51215",
        ),
        author=mapping.Writer(
            identifier="899700999909",
            family="VASSEUR",
            given="Hélène",
            profession="10",
            skill="SM26",
            signed_in_at=NOW,
        ),
        act=mapping.Act(start=NOW, at_home=True),
    )


def spoken(submission: Submission, keys: signatures.Keys) -> vihf.Vihf:
    """What the assertion of this submission says."""
    return vihf.Vihf(
        id="_6f2b7d0e-9c3a-4b1e-8a55-0d2c7f9e1a10",
        issued_at=NOW,
        issuer=keys.issuer,
        actor=submission.actor,
        authentication_class="urn:oasis:names:tc:SAML:2.0:ac:classes:Password",
        structure_id="10B0123456",
        sector="SA63",
        product=vihf.Product(id="1.2", name="COLIBRI", version="0.1.0", homologation="H"),
        version="3.0",
        resource=submission.entry.patient_id,
    )


def per_call(work: Callable[[], object], times: int) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - start) / times


def in_turn(work: Callable[[], object], baseline: Callable[[], object]) -> tuple[float, float, float]:
    """Best times of both, and the median ratio of neighbouring rounds."""
    pairs = [(per_call(work, EACH), per_call(baseline, EACH)) for _ in range(ROUNDS)]
    ratio = statistics.median(mine / bare for mine, bare in pairs)
    return min(mine for mine, _ in pairs), min(bare for _, bare in pairs), ratio


def main() -> int:
    with TemporaryDirectory() as folder:
        certificate, key = seal(Path(folder))
        keys = signatures.read_keys(certificate, key)
        settings = DmpSettings(
            service_root="https://localhost/",
            signing_certificate=certificate,
            signing_key=key,
            structure_id="10B0123456",
            structure_name="CPTS",
            source_oid="1.2.250.1.999.1",
            lps_homologation=SecretStr("H"),
        )
    one = filing()
    submission = mapping.submission(one, settings)
    document = mapping.document(one, settings)
    assertion = spoken(submission, keys)
    message = b"x" * 1000
    mine, bare, ratio = in_turn(
        lambda: signatures.sign_assertion(vihf.write(assertion), keys),
        lambda: keys.key.sign(message, padding.PKCS1v15(), hashes.SHA256()),
    )
    print(f"RSA-2048 signature          {bare * 1e3:8.3f} ms")
    print(f"signed assertion            {mine * 1e3:8.3f} ms   {ratio:.2f} signatures (target: at most {TARGET})")
    rows: tuple[tuple[str, Callable[[], object]], ...] = (
        ("CDA document", lambda: cda.build(document)),
        ("own checks of the document", lambda: cda.check(submission.document)),
        ("note to submission, checked", lambda: mapping.submission(one, settings)),
        (
            "submission-set signature",
            lambda: signatures.sign_submission("1.2", [("1.3", submission.document)], keys=keys, signed_at=NOW),
        ),
    )
    for name, work in rows:
        print(f"{name:<27} {min(per_call(work, EACH) for _ in range(ROUNDS)) * 1e3:8.3f} ms")
    return 0 if ratio <= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
