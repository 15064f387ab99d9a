"""Refusals in the words of OAuth 2.0 and OpenID Connect, with the descriptions a Keycloak gives."""


class Refusal(Exception):
    """An answer of the back channel: HTTP status, error code, description."""

    def __init__(self, error: str, description: str, *, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status


class UnsafeRequest(Exception):
    """An authorization request that must not be sent back to its redirect URI: the browser gets a page (RFC 6749, 4.1.2.1)."""


class SentBack(Exception):
    """An authorization request refused by a redirection that carries the error."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
