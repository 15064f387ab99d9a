"""A person at a browser: opens pages, follows links and redirections, fills the forms that the page really shows.

Nothing is known of the hub but its pages: hidden fields and values already in a form are sent back as a browser would.
"""

from collections.abc import Mapping
from urllib.parse import urljoin, urlsplit

import httpx
from lxml import html
from lxml.html import FormElement, HtmlElement

HOPS = 15


class Lost(Exception):
    """The page is not what the person expected: a form or a link is missing, or the answer is an error."""


def _folded(part: HtmlElement | None) -> str:
    return " ".join(part.text_content().split()) if part is not None else ""


class Browser:
    """One person's browser: cookies, the current page."""

    def __init__(self, line: httpx.AsyncClient) -> None:
        self.line = line
        self.answer: httpx.Response | None = None

    @property
    def url(self) -> str:
        """Address of the current page."""
        return str(self.answer.url) if self.answer is not None else ""

    @property
    def text(self) -> str:
        """Source of the current page."""
        return self.answer.text if self.answer is not None else ""

    @property
    def status(self) -> int:
        """HTTP status of the current page."""
        return self.answer.status_code if self.answer is not None else 0

    @property
    def words(self) -> str:
        """What one reads on the page, spaces folded."""
        return " ".join(self._tree().text_content().split())

    @property
    def title(self) -> str:
        """The heading of the page."""
        return _folded(next(self._tree().iter("h1"), None))

    @property
    def told(self) -> str:
        """What the page says of the last act: the flash on top of it, else its heading."""
        for part in self._tree().iter("div"):
            if "flash" in (part.get("class") or "").split():
                return _folded(part)
        return self.title

    def _tree(self) -> HtmlElement:
        return html.fromstring(self.text or "<p></p>", base_url=self.url)

    async def open(self, address: str) -> str:
        """Go to an address and follow redirections; the words of the page."""
        return await self._follow(await self.line.get(address))

    async def _follow(self, answer: httpx.Response) -> str:
        hops = 0
        while answer.is_redirect:
            hops += 1
            if hops > HOPS:
                raise Lost(f"too many redirections, last to {urlsplit(str(answer.url)).path}")
            answer = await self.line.get(urljoin(str(answer.url), answer.headers["location"]))
        self.answer = answer
        return self.words

    async def click(self, part: str) -> str:
        """Follow the first link whose address contains `part`."""
        for link in self._tree().iter("a"):
            target = link.get("href", "")
            if part in target:
                return await self.open(urljoin(self.url, target))
        raise Lost(f"no link to {part} on {urlsplit(self.url).path}")

    def has_form(self, action: str) -> bool:
        """Whether the page has a form whose address ends with `action`."""
        return self._form(action) is not None

    def _form(self, action: str) -> FormElement | None:
        for form in self._tree().forms:
            if urlsplit(form.get("action") or self.url).path.endswith(action):
                return form
        return None

    async def submit(self, action: str, fields: Mapping[str, str | None] | None = None) -> str:
        """Send the form whose address ends with `action`, with its own values and those given; None unticks a box."""
        form = self._form(action)
        if form is None:
            raise Lost(f"no form {action} on {urlsplit(self.url).path} ({self.status})")
        values = {name: value for name, value in form.form_values() if name}
        for name, value in (fields or {}).items():
            values.pop(name, None)
            if value is not None:
                values[name] = value
        target = urljoin(self.url, form.get("action") or "")
        if (form.get("method") or "get").lower() == "get":
            return await self._follow(await self.line.get(target, params=values))
        origin = urlsplit(target)
        headers = {"Origin": f"{origin.scheme}://{origin.netloc}", "Sec-Fetch-Site": "same-origin"}
        return await self._follow(await self.line.post(target, data=values, headers=headers))
