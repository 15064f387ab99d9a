"""The distinct names of a load, each folded once: what people are found by (rpps.md 12.1). Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from hub.domain.phonetic import sound
from hub.domain.search_key import folded


class Keys(dict[str, str]):
    """From a name as printed to its folded key, for family names or first names: two million rows ask, a quarter of them for
    something new.
    """

    def __init__(self, part: str, lines: list[str]) -> None:
        super().__init__()
        self.part, self.lines = part, lines
        self.met: set[str] = set()

    def __missing__(self, name: str) -> str:
        key, beginnings = folded(name)
        self[name] = key
        if key not in self.met:
            self.met.add(key)
            self.lines += [
                f"{self.part}|{0 if key.startswith(word) else 1}|{word}|{key}|{sound(word)}"
                for word in beginnings.split()
            ]
        return key


@dataclass(slots=True)
class Names:
    """The names met, and the ``lines`` of directory_name not yet taken away."""

    lines: list[str] = field(default_factory=list)
    families: Keys = field(init=False)
    givens: Keys = field(init=False)

    def __post_init__(self) -> None:
        self.families, self.givens = Keys("family", self.lines), Keys("given", self.lines)

    def let_go(self) -> None:
        """Forget the names met: there are no more to come."""
        for one in (self.families, self.givens):
            one.clear()
            one.met.clear()
