"""A measure beside its baseline: two figures of the same minute on the same machine, their ratio, and the budget."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """``pairs``: (measured, baseline) of neighbouring rounds, both rates a second or both seconds.

    ``target``: the ratio accepted, a floor when ``is_rate``, a ceiling for times; ``None``: shown for information.
    """

    name: str
    baseline: str
    pairs: Sequence[tuple[float, float]]
    target: float | None = None
    is_rate: bool = True

    @property
    def ratio(self) -> float:
        """Median of the ratios of the rounds: a busy machine slows both of a round."""
        return statistics.median(mine / bare for mine, bare in self.pairs)

    @property
    def is_met(self) -> bool:
        if self.target is None:
            return True
        return self.ratio >= self.target if self.is_rate else self.ratio <= self.target

    def shown(self) -> str:
        mine = statistics.median(one for one, _ in self.pairs)
        bare = statistics.median(one for _, one in self.pairs)
        figures = f"{mine:9.0f}/s   {bare:9.0f}/s" if self.is_rate else f"{mine * 1e6:8.1f} us   {bare * 1e6:8.1f} us"
        wanted = "" if self.target is None else f"{'>=' if self.is_rate else '<='} {self.target:g} {self.baseline}"
        verdict = "" if self.target is None else "met" if self.is_met else "MISSED"
        return f"{self.name:<52} {figures}   {self.ratio:7.3f} {self.baseline:<2} {wanted:<10} {verdict}"


HEADER = f"{'':<52} {'measured':>11} {'baseline':>13}   {'ratio':>7}    {'target':<10}"
