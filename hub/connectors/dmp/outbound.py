"""What leaves for the DMP: one version of a note, once, in the order of its lane."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from hub.connectors.dmp import gather, mapping, prpa, tables
from hub.connectors.dmp.client import DmpClient, Registered
from hub.connectors.dmp.exchange import ERRORS, failure
from hub.connectors.dmp.settings import DmpSettings
from hub.connectors.dmp.submission import Submission, pack, unpack
from hub.connectors.failure import ConnectorFailure, Kind
from hub.connectors.installation import Installation
from hub.domain.notebook import FilingState
from hub.domain.refusal import Refusal
from hub.storage.outbox import Delivery, Message
from hub.storage.session import Session
from hub.workflows import filing
from hub.workflows.topics import DmpSubmission

Deliveries = dict[type[Message], Delivery]

# What people read when the code of the failure is in no table, by kind.
UNKNOWN: Mapping[Kind, tuple[str, str]] = {
    Kind.GARBLED: (
        "La réponse du DMP est illisible : l'équipe technique l'analyse.",
        "Rien à faire : vérifier plus tard si la note est classée.",
    ),
    Kind.UNREACHABLE: (
        "Le DMP n'a pas répondu malgré de nombreux essais.",
        "Renvoyer la note quand le DMP répond de nouveau.",
    ),
    Kind.BUSY: ("Le DMP est resté surchargé malgré de nombreux essais.", "Renvoyer la note plus tard."),
    Kind.REFUSED: ("Le DMP refuse cet envoi (code {code}).", "Prévenir l'équipe technique, en donnant ce code."),
}
OURS = "rule"  # the service of a failure that is a refusal of ours
DEFECT = (
    "L'envoi n'a pas pu être préparé : l'équipe technique est prévenue.",
    "Rien à faire : la note reste dans le cahier de liaison.",
)


def topics(settings: DmpSettings, _installation: Installation) -> Deliveries:
    """The deliveries of this connector."""
    values = tables.read(settings.tables) if settings.tables else tables.SHIPPED
    delivery = Delivery(
        connector="dmp",
        allow=allow,
        prepare=partial(prepare, settings, values),
        send=send,
        settle=settle,
        give_up=give_up,
    )
    return {DmpSubmission: delivery}


async def allow(session: Session, message: DmpSubmission) -> None:
    """Before each try: nothing leaves, prepared or not, once the patient has objected."""
    try:
        await filing.require_agreement(session, message)
    except Refusal as rule:
        raise ConnectorFailure(OURS, Kind.REFUSED, rule.code) from rule


async def prepare(settings: DmpSettings, values: tables.Tables, session: Session, message: DmpSubmission) -> bytes:
    """The submission, once: every retry sends these bytes. Raises ``ValueError`` when something it needs is missing."""
    material = await gather.material(session, message)
    one = mapping.filing(
        material, unique_id=message.unique_id, set_id=message.set_id, submission_id=message.submission_id
    )
    return pack(mapping.submission(one, settings, values))


async def send(client: DmpClient, prepared: bytes) -> Registered:
    """Feed the document, once the DMP is known to be open and to be that of the same person."""
    submission = unpack(prepared)
    if client.settings.check_status:
        _require_open(await client.td02(submission.patient, submission.actor), submission)
    return await client.iti41(submission)


def _require_open(status: prpa.DmpStatus, submission: Submission) -> None:
    patient = submission.patient
    if not status.exists:
        raise failure("DMPNotFound")
    if not status.is_open:
        raise failure("DMPClosed")
    if not prpa.is_same_person(status, names=(patient.birth_name, patient.used_name), birth_date=patient.birth_date):
        raise failure("DMPIdentityMismatch")


async def settle(session: Session, message: DmpSubmission, answer: Registered | None) -> None:
    """The DMP has the document; without an answer (dry run) nothing is known."""
    if answer is not None:
        await filing.filed(session, message, entry_uuid=answer.entry_uuid)


def words(trouble: ConnectorFailure) -> tuple[str, str]:
    """What people read about a failure, and what they can do."""
    if trouble.service != "dmp":
        return DEFECT
    row = ERRORS.get(trouble.code)
    if row is not None and row.kind is Kind.REFUSED:
        return row.french, row.remedy
    french, remedy = UNKNOWN.get(trouble.kind, UNKNOWN[Kind.REFUSED])
    return french.format(code=trouble.code), remedy


async def give_up(session: Session, message: DmpSubmission, trouble: ConnectorFailure) -> None:
    """A rule of ours, or the DMP said no; it never answered, or answered what nobody can read: review, as for our defects."""
    if trouble.service == OURS:
        await filing.held(session, message, trouble.code)
        return
    french, remedy = words(trouble)
    is_ours = trouble.service != "dmp" or trouble.kind is Kind.GARBLED
    state = FilingState.REVIEW if is_ours else FilingState.REFUSED
    await filing.refused(session, message, code=trouble.code, french=french, remedy=remedy, state=state)
