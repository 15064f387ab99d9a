"""Narratives: the XHTML that R4 allows (narrative.html, txt-1 and txt-2). Names the first fault in words, or nothing."""

from __future__ import annotations

from html.parser import HTMLParser

NAMESPACE = "http://www.w3.org/1999/xhtml"
ELEMENTS = frozenset(
    [
        *(
            "a",
            "abbr",
            "acronym",
            "b",
            "big",
            "blockquote",
            "br",
            "caption",
            "cite",
            "code",
            "col",
            "colgroup",
            "dd",
            "dfn",
        ),
        *(
            "div",
            "dl",
            "dt",
            "em",
            "h1",
            "h2",
            "h3",
            "h4",
            "h5",
            "h6",
            "hr",
            "i",
            "img",
            "li",
            "ol",
            "p",
            "pre",
            "q",
            "samp",
        ),
        *(
            "small",
            "span",
            "strong",
            "sub",
            "sup",
            "table",
            "tbody",
            "td",
            "tfoot",
            "th",
            "thead",
            "tr",
            "tt",
            "ul",
            "var",
        ),
    ]
)
ATTRIBUTES = frozenset(
    [
        *("abbr", "accesskey", "align", "alt", "axis", "bgcolor", "border", "cellhalign", "cellpadding", "cellspacing"),
        *("cellvalign", "char", "charoff", "charset", "cite", "class", "colspan", "compact", "coords", "dir", "frame"),
        *("headers", "height", "href", "hreflang", "hspace", "id", "lang", "longdesc", "name", "nowrap", "rel", "rev"),
        *(
            "rowspan",
            "rules",
            "scope",
            "shape",
            "span",
            "src",
            "start",
            "style",
            "summary",
            "tabindex",
            "title",
            "type",
        ),
        *("valign", "value", "vspace", "width", "xmlns", "xml:lang"),
    ]
)
LINKS = frozenset({"href", "src", "cite", "longdesc"})
ACTIVE = ("javascript:", "vbscript:", "data:text")
ALONE = frozenset({"br", "hr", "img", "col"})


class _Reader(HTMLParser):
    """Walks the narrative; ``fault`` is the first thing R4 forbids."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.fault = ""
        self.open: list[str] = []
        self.has_content = False

    def _blame(self, fault: str) -> None:
        self.fault = self.fault or fault

    def _look(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if not self.open and (tag != "div" or dict(attributes).get("xmlns") != NAMESPACE):
            self._blame("le texte commence par un div de l'espace de noms XHTML")
        if tag not in ELEMENTS:
            self._blame(f"l'élément {tag} n'est pas permis")
        if tag == "img":
            self.has_content = True
        for name, value in attributes:
            if name not in ATTRIBUTES:
                self._blame(f"l'attribut {name} n'est pas permis")
            if name in LINKS and "".join((value or "").split()).lower().startswith(ACTIVE):
                self._blame("un lien ne porte pas de programme")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._look(tag, attrs)
        if tag not in ALONE:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._look(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in ALONE:
            return
        if not self.open or self.open.pop() != tag:
            self._blame(f"l'élément {tag} est mal fermé")

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.has_content = True
            if not self.open:
                self._blame("il n'y a rien hors du div")

    def handle_decl(self, decl: str) -> None:
        self._blame("une déclaration n'est pas permise")

    def handle_pi(self, data: str) -> None:
        self._blame("une instruction de traitement n'est pas permise")

    def unknown_decl(self, data: str) -> None:
        self._blame("une déclaration n'est pas permise")


def fault(div: str) -> str:
    """What R4 forbids in this narrative, in French; ``""`` when it is allowed."""
    reader = _Reader()
    if not div.lstrip().startswith("<"):
        return "le texte commence par un div de l'espace de noms XHTML"
    reader.feed(div)
    reader.close()
    if reader.open:
        return reader.fault or f"l'élément {reader.open[-1]} n'est pas fermé"
    return reader.fault or ("" if reader.has_content else "le texte est vide")
