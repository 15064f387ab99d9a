"""Accounts: the first sign-in and the following ones, numbers that change, local accounts, addresses confirmed, preferences."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from hub import clock
from hub.domain import hours
from hub.domain.identity import Identity
from hub.domain.people import Viewer
from hub.domain.preferences import WIDEST_RADIUS_KM
from hub.domain.refusal import Refusal
from hub.storage import accounts, audit, situations
from hub.storage.accounts import Account, Method
from hub.storage.session import Database, Session
from hub.storage.sign_ins import Code
from hub.storage.situations import Preference
from hub.workflows import codes, directory_changes, professionals
from hub.workflows.codes import ToSend


class Outcome(StrEnum):
    """How an identity met the accounts we have."""

    KNOWN = "known"
    CREATED = "created"
    LINKED = "linked"  # the number changed, and the national side says it is one person
    REVIEW = "review"  # two accounts match: an operator decides, nobody enters


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """The account to enter, ``None`` when an operator must decide first. ``same_person``: a local account that bears the same
    verified number, to be joined by its owner's confirmation mail.
    """

    outcome: Outcome
    account: Account | None
    same_person: str | None = None


async def arrive(session: Session, who: Identity, *, accepts_test_identities: bool) -> Arrival:
    """Find, link or create the account of an identity that Pro Santé Connect vouches for (psc.md 5.6, workflow.md 2).

    Never by name or e-mail. Raises ``Refusal``: ``test-identity`` where the setting says no, ``account-closed``.
    """
    if who.is_test and not accepts_test_identities:
        raise Refusal("test-identity")
    numbers = [who.national_id, *(other.value for other in who.other_ids)]
    await accounts.in_line(session, numbers)
    signed, local = await _matching(session, numbers)
    if len(signed) > 1:
        await _leave_to_an_operator(session, who, signed)
        return Arrival(outcome=Outcome.REVIEW, account=None)
    known = signed[0] if signed else None
    if known is not None and known.state == "closed":
        raise Refusal("account-closed")
    outcome = await _outcome(session, who, known)
    account = await _keep(session, who, known)
    await _note_changes(session, who, account, outcome)
    await directory_changes.compared_at_sign_in(session, account, who, clock.now())
    return Arrival(outcome=outcome, account=account, same_person=local[0].id if local else None)


async def _matching(session: Session, numbers: list[str]) -> tuple[list[Account], list[Account]]:
    """Accounts that bear one of the numbers: those Pro Santé Connect has signed in already, and the purely local ones."""
    signed: list[Account] = []
    local: list[Account] = []
    for account in await accounts.matching(session, numbers):
        has_psc = any(method.kind == "psc" for method in await accounts.methods(session, account.id))
        (signed if has_psc else local).append(account)
    return signed, [account for account in local if account.state == "active"]


async def _leave_to_an_operator(session: Session, who: Identity, found: list[Account]) -> None:
    ids = [account.id for account in found]
    now = clock.now()
    await accounts.ask_review(session, kind="several-accounts", national_id=who.national_id, accounts=ids, at=now)
    await audit.record(
        session, viewer=Viewer.hub(), event="account.several", outcome="refused", details={"accounts": " ".join(ids)}
    )


async def _outcome(session: Session, who: Identity, known: Account | None) -> Outcome:
    if known is None:
        return Outcome.CREATED
    same = await accounts.method(session, "psc", who.national_id, issuer=who.issuer)
    return Outcome.KNOWN if same is not None and same.account == known.id else Outcome.LINKED


async def _keep(session: Session, who: Identity, known: Account | None) -> Account:
    """The account with the civil names and the number as they are now, its means of sign-in and its situations."""
    now = clock.now()
    if known is None:
        known = Account(id=str(uuid.uuid4()), created_at=now)
        await accounts.create(session, known)
    values = {
        "national_id": who.national_id,
        "civility": who.civility or known.civility,
        "given": who.given or known.given,
        "family": who.family or known.family,
        "signed_in_at": now,
    }
    account = replace(known, **values)  # type: ignore[arg-type]
    practitioner = await professionals.settle(session, account, who)
    await accounts.change(session, account.id, **values, practitioner=practitioner)
    await accounts.add_other_ids(session, account.id, {other.value: other.origin for other in who.other_ids})
    return replace(account, practitioner=practitioner)


async def _note_changes(session: Session, who: Identity, account: Account, outcome: Outcome) -> None:
    """Keep the means of sign-in, and leave a trace of what is not ordinary."""
    before = await accounts.method(session, "psc", who.national_id, issuer=who.issuer)
    fresh = Method(
        account=account.id, kind="psc", issuer=who.issuer, subject=who.national_id, sub=who.sub, created_at=clock.now()
    )
    await accounts.keep_method(session, fresh)
    events = {
        "account.created": outcome is Outcome.CREATED,
        "account.linked": outcome is Outcome.LINKED,
        "account.sub-changed": before is not None and bool(before.sub) and before.sub != who.sub,
        "account.numbers-disagree": not who.agrees,
    }
    for event, happened in events.items():
        if happened:
            await audit.record(session, viewer=Viewer.hub(), event=event, details={"account": account.id})


# -------------------------------------------------------------------------------- local accounts


async def create_local(session: Session, **known: Any) -> Account:
    """An account with a five-digit identifier, for somebody who signs in without Pro Santé Connect. ``known``: fields of
    :class:`Account`. It has no secret yet: :func:`hub.workflows.local_sign_in.set_secret`.
    """
    digits = known.pop("identifier", None) or await _free_digits(session)
    account = Account(id=str(uuid.uuid4()), created_at=clock.now(), identifier=digits, **known)
    await accounts.create(session, account)
    method = Method(account=account.id, kind="local", subject=digits, created_at=account.created_at)
    await accounts.keep_method(session, method)
    await audit.record(session, viewer=Viewer.hub(), event="account.created", details={"account": account.id})
    return account


async def _free_digits(session: Session) -> str:
    for _ in range(50):
        tried = f"{secrets.randbelow(90_000) + 10_000}"
        if await accounts.free_identifier(session, tried):
            return tried
    raise RuntimeError("no free five-digit identifier was found")


async def join(session: Session, *, psc: str, local: str) -> None:
    """Make one of two accounts, on the word of the local one's owner: it gains everything of the other, which is closed."""
    source, target = await accounts.lock(session, psc), await accounts.lock(session, local)
    if source is None or target is None or "closed" in (source.state, target.state):
        raise Refusal("not-found")
    await accounts.merge(session, source=psc, target=local)
    joined = replace(target, national_id=source.national_id, practitioner=source.practitioner)
    await accounts.change(session, local, national_id=joined.national_id, practitioner=joined.practitioner)
    for situation in await situations.situations(session, local):
        await professionals.refresh_candidate(session, joined, situation.role)
    details = {"account": local, "from": psc}
    await audit.record(session, viewer=Viewer.hub(), event="account.joined", details=details)


async def close(session: Session, viewer: Viewer, account: str) -> None:
    """Nobody enters any more, nobody is asked any more. Sessions are ended by the caller's next check."""
    await accounts.change(session, account, state="closed")
    closed = await accounts.by_id(session, account)
    assert closed is not None
    for situation in await situations.situations(session, account):
        await professionals.refresh_candidate(session, closed, situation.role)
    await audit.record(session, viewer=viewer, event="account.closed", details={"account": account})


# -------------------------------------------------------------------------------- settings of a person


async def ask_confirmation(session: Session, account: str, *, channel: str, address: str) -> str:
    """Ask the owner of an address to prove it: a link by mail (``email``), four digits by ``sms``. The id of the code."""
    return await codes.put(session, account=account, purpose="confirm", channel=channel, address=address)


async def ask_joining(session: Session, *, psc: str, local: str) -> str:
    """Write to the owner of a local account, so that it may be joined with the one Pro Santé Connect has just opened."""
    owner = await accounts.by_id(session, local)
    if owner is None or owner.email_confirmed_at is None:
        raise Refusal("account-unknown")
    return await codes.put(session, account=local, purpose="join", channel="email", address=owner.email, subject=psc)


async def ask_secret(session: Session, account: Account) -> str:
    """Send the one-time link by which somebody sets the secret of a local account."""
    return await codes.put(session, account=account.id, purpose="secret", channel="email", address=account.email)


async def code_to_send(session: Session, id: str) -> ToSend | None:
    """What the sender of a one-time code needs; ``None`` when it is too late to be of use."""
    return await codes.to_send(session, id)


async def use_code(database: Database, id: str, given: str, *, purpose: str) -> str:
    """Use a code typed, or the two halves of a link (``<id>.<token>``), and do what it proves: confirm an address, join two
    accounts. The account. A wrong try counts even though it is refused: ``code-wrong``, ``code-expired``.
    """
    async with database.transaction() as session:
        code, refusal = await codes.give(session, id, given, purpose=purpose)
        if code is not None and purpose == "confirm":
            await _confirm(session, code)
        if code is not None and purpose == "join" and code.subject is not None:
            await join(session, psc=code.subject, local=code.account)
    if code is None:
        raise refusal or Refusal("code-expired")
    return code.account


async def _confirm(session: Session, code: Code) -> None:
    columns = {"email": ("email", "email_confirmed_at"), "sms": ("mobile", "mobile_confirmed_at")}[code.channel]
    await accounts.change(session, code.account, **{columns[0]: code.address, columns[1]: clock.now()})


async def set_contact_phone(session: Session, viewer: Viewer, phone: str) -> None:
    """The phone shown to colleagues."""
    await accounts.change(session, _own(viewer), contact_phone=phone.strip())


async def set_preferences(session: Session, viewer: Viewer, role: str, **changes: Any) -> Preference:
    """Change what a professional wants in one situation, theirs or that of the professional they act for; the row by which
    they are found follows in the same transaction. ``changes``: fields of :class:`Preference`. Raises ``Refusal``.
    """
    situation = await situations.situation_of(session, role)
    if situation is None or viewer.role != role:
        raise Refusal("not-found")
    before = await situations.preference_of(session, role) or professionals.default_preference(role)
    after = replace(before, **changes)
    _require_sound(after)
    await situations.keep_preference(session, after)
    account = await accounts.by_id(session, situation.account)
    assert account is not None
    await professionals.refresh_candidate(session, account, role)
    changed = [name for name, value in asdict(after).items() if asdict(before)[name] != value]
    if changed:
        await audit.record(session, viewer=viewer, event="preference.changed", details={"fields": " ".join(changed)})
    return after


def _require_sound(wish: Preference) -> None:
    if not 1 <= wish.radius_km <= WIDEST_RADIUS_KM:
        raise Refusal("bad-value", value=wish.radius_km, form=f"un rayon de 1 à {WIDEST_RADIUS_KM} km")
    if wish.max_open is not None and wish.max_open < 1:
        raise Refusal("bad-value", value=wish.max_open, form="un nombre à partir de 1")
    for absence in wish.absences:
        if len(absence) != 2 or absence[0] > absence[1]:
            raise Refusal("appointment-range")
    if wish.hours:
        try:
            hours.check(wish.hours)
        except ValueError as trouble:
            raise Refusal("bad-value", value=str(trouble), form="des heures comme 08:00-20:00") from trouble


def _own(viewer: Viewer) -> str:
    if viewer.account is None:
        raise Refusal("not-allowed")
    return viewer.account
