"""The house keeps its rules, each rule bites, and no permission outlives its reason."""

from __future__ import annotations

import pytest

from tests.architecture import manners, places
from tests.architecture.house import Rule, module, modules

RULES = {rule.name: rule for rule in (*places.RULES, *manners.RULES)}
every_rule = pytest.mark.parametrize("rule", RULES.values(), ids=list(RULES))


@every_rule
def test_the_house_keeps_it(rule: Rule) -> None:
    faults = [fault for package in rule.packages for fault in rule.faults(modules(package))]
    assert not faults, "\n".join(faults)


@every_rule
def test_a_violation_is_seen(rule: Rule) -> None:
    assert rule.faults([module("hub.somewhere.new", rule.broken)])


@every_rule
def test_the_innocent_pass(rule: Rule) -> None:
    innocent = '"""Adds."""\n\n\ndef add(one: int, other: int) -> int:\n    return one + other\n'
    assert not rule.faults([module("hub.somewhere.new", innocent)])


@every_rule
def test_each_permission_names_a_module(rule: Rule) -> None:
    known = [one.name for package in ("hub", "sandbox") for one in modules(package)]
    for pattern in rule.allowed:
        alone = Rule(name=rule.name, find=rule.find, broken=rule.broken, allowed=(pattern,))
        assert any(alone.permits(name) for name in known), f"{pattern} names nothing any more"


def test_a_clean_up_that_raises_again_hides_nothing() -> None:
    again = '"""Closes."""\ntry:\n    x = 1\nexcept BaseException:\n    x = 2\n    raise\n'
    assert not list(manners.broad_excepts(module("hub.somewhere.new", again)))
