"""Invariants of R4 (error level) of the types in the tables, by the path of the node they hold on. Pure.

A rule takes the object, already of the right shape, and is true when it holds. Names are those of the specification. The rules
on contained resources and references (dom-2 to dom-5, ref-1) are in ``validation``, which knows what stands around.
"""

from __future__ import annotations

from collections.abc import Mapping

from hub.r4.invariants import resources, types
from hub.r4.invariants.words import Rule

RULES: Mapping[str, Mapping[str, Rule]] = {**resources.RULES, **types.RULES}
