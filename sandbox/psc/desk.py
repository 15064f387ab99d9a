"""What happens between a person and the wallet: sign-in attempts, the e-CPS phone, the card reader (PSC specification 12)."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from sandbox.psc.authorization import AuthorizationRequest
from sandbox.psc.options import Options

ATTEMPT_SECONDS = 1800
CHOICES = 3


class Answer(StrEnum):
    WAITING = "waiting"
    IGNORED = "ignored"
    APPROVED = "approved"
    REFUSED = "refused"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """A request shown by the e-CPS application; `number` is the one the browser displays, `choices` contain it."""

    id: str
    person: str
    service: str
    number: str
    choices: tuple[str, ...]
    expires: float
    answer: Answer = Answer.WAITING


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """A browser in front of the sign-in page; ``former`` is the single sign-on session it came with."""

    id: str
    request: AuthorizationRequest
    expires: float
    former: str | None = None
    push: str | None = None


class Desk:
    def __init__(self, now: Callable[[], float], options: Callable[[], Options]) -> None:
        self._now = now
        self._options = options
        self._attempts: dict[str, Attempt] = {}
        self._pushes: dict[str, Push] = {}
        self._wrong_pins: dict[str, int] = {}

    # The browser

    def open(self, request: AuthorizationRequest, *, former: str | None) -> Attempt:
        self._sweep()
        attempt = Attempt(
            id=secrets.token_urlsafe(18), request=request, former=former, expires=self._now() + ATTEMPT_SECONDS
        )
        self._attempts[attempt.id] = attempt
        return attempt

    def attempt(self, attempt_id: str) -> Attempt | None:
        attempt = self._attempts.get(attempt_id)
        return attempt if attempt and attempt.expires > self._now() else None

    def close(self, attempt: Attempt) -> None:
        self._attempts.pop(attempt.id, None)

    # The phone

    def ring(self, attempt: Attempt, *, person: str, service: str) -> Push:
        """Send the request to the phone; a former one of the same attempt is withdrawn."""
        self._pushes.pop(attempt.push or "", None)
        numbers = secrets.SystemRandom().sample(range(100), CHOICES)
        choices = tuple(f"{number:02d}" for number in numbers)
        push = Push(
            id=secrets.token_urlsafe(9),
            person=person,
            service=service,
            number=secrets.choice(choices),
            choices=choices,
            expires=self._now() + self._options().approval_seconds,
        )
        self._pushes[push.id] = push
        self._attempts[attempt.id] = replace(attempt, push=push.id)
        return push

    def push(self, push_id: str | None) -> Push | None:
        push = self._pushes.get(push_id or "")
        open_answers = (Answer.WAITING, Answer.IGNORED)
        if push and push.answer in open_answers and push.expires <= self._now():
            push = self._pushes[push.id] = replace(push, answer=Answer.EXPIRED)
        return push

    def pending(self, person: str | None = None) -> list[Push]:
        """Requests the phone shows, oldest first; an ignored one has left the screen but not the browser."""
        known = [self.push(push_id) for push_id in list(self._pushes)]
        return [p for p in known if p and p.answer is Answer.WAITING and person in (None, p.person)]

    def answer(self, push: Push, answer: Answer) -> Push:
        push = self._pushes[push.id] = replace(push, answer=answer)
        return push

    def choose(self, push: Push, number: str) -> Push:
        """The number touched on the phone: any other than the browser's refuses."""
        return self.answer(push, Answer.APPROVED if number == push.number else Answer.REFUSED)

    # The card

    def tries_left(self, person: str) -> int:
        return max(0, self._options().card_tries - self._wrong_pins.get(person, 0))

    def enter_pin(self, person: str, pin: str) -> bool:
        """True for the right PIN on a card that is not locked; three errors lock it, a success forgets them."""
        if self.tries_left(person) == 0:
            return False
        if pin == self._options().card_pin:
            self._wrong_pins.pop(person, None)
            return True
        self._wrong_pins[person] = self._wrong_pins.get(person, 0) + 1
        return False

    def unlock(self, person: str) -> None:
        self._wrong_pins.pop(person, None)

    def wrong_pins(self) -> Mapping[str, int]:
        return dict(self._wrong_pins)

    def _sweep(self) -> None:
        now = self._now()
        self._attempts = {key: attempt for key, attempt in self._attempts.items() if attempt.expires > now}
        kept = now - ATTEMPT_SECONDS
        self._pushes = {key: push for key, push in self._pushes.items() if push.expires > kept}
