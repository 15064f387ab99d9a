"""Every topic, setting and address says what it is for; every topic is delivered by exactly one connector."""

from __future__ import annotations

import inspect
import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import pytest
from pydantic import BaseModel, Field

from hub import composition
from hub.fhir import router as fhir_router
from hub.settings import CONFIG, Settings, table
from hub.storage.outbox import Delivery, Message
from hub.web import router as web_router
from hub.worker import WrongTopics, merge
from hub.workflows import topics

ENVIRONMENTS = {"sandbox", "bas", "production"}


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv("HUB_ENV", raising=False)
    return Settings()  # type: ignore[call-arg]


def undescribed(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Settings without a description, at any depth."""
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from undescribed(inner, f"{prefix}{name}.")
        elif not field.description:
            yield f"{prefix}{name}"


def open_ended(model: type[BaseModel], prefix: str = "settings") -> Iterator[str]:
    """Groups of settings that would take an unknown key in silence."""
    if model.model_config.get("extra") != "forbid":
        yield prefix
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from open_ended(inner, f"{prefix}.{name}")


def kinds(module: Any) -> list[type[Message]]:
    """The message types that a module defines."""
    return [
        one
        for one in vars(module).values()
        if isinstance(one, type)
        and issubclass(one, Message)
        and one is not Message
        and one.__module__ == module.__name__
    ]


def undelivered(messages: list[type[Message]], merged: Mapping[str, tuple[type[Message], Delivery]]) -> set[str]:
    return {one.topic for one in messages} - merged.keys()


def mute(handlers: Mapping[str, Callable[..., Any] | None]) -> list[str]:
    """Addresses whose handler says nothing of itself, nor the function that made it."""
    return [path for path, one in handlers.items() if one is not None and not inspect.getdoc(one) and not _maker(one)]


def _maker(handler: Callable[..., Any]) -> str | None:
    """What the function that returned this one says of itself."""
    name, _, inner = handler.__qualname__.partition(".<locals>.")
    return inspect.getdoc(handler.__globals__.get(name)) if inner else None


def test_every_setting_says_what_it_is_for(settings: Settings) -> None:
    assert not list(undescribed(Settings))
    assert all(row["for"] for row in table(settings))


def test_every_group_of_settings_refuses_unknown_keys() -> None:
    assert not list(open_ended(Settings))


def test_every_environment_speaks_of_the_same_groups() -> None:
    files = {file.stem: tomllib.loads(file.read_text(encoding="utf-8")) for file in CONFIG.glob("*.toml")}
    assert files.keys() <= ENVIRONMENTS and "sandbox" in files
    for name, content in files.items():
        assert content["env"] == name
        assert content.keys() <= Settings.model_fields.keys()


def test_every_topic_has_one_delivery(settings: Settings) -> None:
    merged = merge(*composition.topics(settings))
    messages = kinds(topics)
    assert len({one.topic for one in messages}) == len(messages)
    assert not undelivered(messages, merged)
    assert merged.keys() == {one.topic for one in messages}


def test_every_delivery_that_speaks_has_a_client(settings: Settings) -> None:
    merged = merge(*composition.topics(settings))
    folder = {path.name for path in composition.CONNECTORS.iterdir() if path.is_dir()}
    for topic, (_, delivery) in merged.items():
        assert (delivery.send is None) == (delivery.prepare is None), topic
        assert delivery.send is None or delivery.connector in folder, topic


def test_every_topic_says_what_it_carries() -> None:
    assert not [one.topic for one in kinds(topics) if not (one.__doc__ or "").strip()]


def test_every_address_says_what_it_does() -> None:
    pages = (*web_router.SIGNED, *web_router.WITHOUT_CAPACITY, *web_router.OPEN)
    shown = {f"GET {page.path}": page.show for page in pages}
    acted = {f"POST {page.path}": page.act for page in pages}
    fhir = {f"{one.method} fhir/{'/'.join(one.path)}": one.handler for one in fhir_router.ROUTES}
    assert not mute({**shown, **acted, **fhir})


class Inner(BaseModel):
    named: int = Field(1, description="un nombre")
    nameless: int = 2


class Outer(BaseModel, extra="forbid"):
    inner: Inner = Field(default_factory=Inner, description="un groupe")
    alone: int = 3


class Lost(Message):
    topic: ClassVar[str] = "lost.message"


def test_a_setting_without_description_is_seen() -> None:
    assert list(undescribed(Outer)) == ["inner.nameless", "alone"]


def test_a_group_that_takes_anything_is_seen() -> None:
    assert list(open_ended(Outer)) == ["settings.inner"]


def test_a_topic_without_delivery_is_seen(settings: Settings) -> None:
    assert undelivered([Lost], merge(*composition.topics(settings))) == {"lost.message"}


def test_a_topic_delivered_twice_is_refused(settings: Settings) -> None:
    deliveries = composition.topics(settings)
    with pytest.raises(WrongTopics):
        merge(*deliveries, deliveries[0])


def silent() -> None:
    return None


def test_a_mute_address_is_seen() -> None:
    assert mute({"GET /": silent, "POST /": None, "GET /x": mute}) == ["GET /"]
