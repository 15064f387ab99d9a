"""The distinct names of a load, each folded once: what people are found by (rpps.md 12.1). Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hub.domain.phonetic import sound
from hub.domain.search_key import folded


class Keys(dict[str, str]):
    """From a name as printed to its folded key, for family names or first names: two million rows ask, a quarter of them for
    something new. ``met``: what a query may begin, by key.
    """

    def __init__(self, part: str) -> None:
        super().__init__()
        self.part = part
        self.met: dict[str, str] = {}

    def __missing__(self, name: str) -> str:
        key, beginnings = folded(name)
        self[name] = key
        self.met[key] = beginnings
        return key

    def lines(self) -> Iterator[str]:
        """The lines of directory_name for the keys met, which are then forgotten."""
        met, self.met = self.met, {}
        for key, beginnings in met.items():
            for word in beginnings.split():
                yield f"{self.part}|{0 if key.startswith(word) else 1}|{word}|{key}|{sound(word)}"
