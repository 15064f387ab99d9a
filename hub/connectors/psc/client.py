"""The transactions of Pro Santé Connect (psc.md 2, 4, 11): discovery, keys, addresses for the browser, tokens, userinfo."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import httpx

from hub import clock
from hub.connectors import http
from hub.connectors.failure import ConnectorFailure, Kind
from hub.connectors.psc import mapping, tokens
from hub.connectors.psc.answers import SERVICE, SignedIn, Tokens, auth_time, oauth_failure, read_tokens
from hub.connectors.psc.authentication import credentials
from hub.connectors.psc.discovery import Cached, Document, KeyMemory, garbled, read_document, read_json
from hub.connectors.psc.settings import PscSettings


class PscClient:
    """Speaks with one issuer. Raises :class:`ConnectorFailure` only. ``client`` replaces the one built from the settings."""

    def __init__(self, settings: PscSettings, client: httpx.AsyncClient | None = None) -> None:
        self.settings = settings
        self._client = client
        self._client_is_ours = client is None
        self._seen: tuple[float, ...] = ()
        self._document: Cached[Document] = Cached(pause=settings.keys_refetch)
        self._keys: Cached[dict[str, tokens.Key]] = Cached(pause=settings.keys_refetch)
        self._memory = KeyMemory()
        self._lock = asyncio.Lock()

    async def close(self) -> None:
        """Give the connections back."""
        if self._client is not None and self._client_is_ours:
            await self._client.aclose()
            self._client = None

    def _http(self) -> httpx.AsyncClient:
        """The client; built again when the files of our certificate have changed."""
        if not self._client_is_ours and self._client is not None:
            return self._client
        settings = self.settings
        pair = (settings.certificate, settings.key) if settings.certificate and settings.key else None
        try:
            seen = tuple(file.stat().st_mtime for file in pair or ())
            if self._client is None or seen != self._seen:
                authority, timeout = settings.authority, settings.timeout
                self._client = http.client(timeout=timeout, authority=authority, certificate=pair)
                self._seen = seen
        except (OSError, ssl.SSLError) as trouble:
            raise ConnectorFailure(SERVICE, Kind.DENIED, "certificate", str(trouble)) from trouble
        return self._client

    # ---------------------------------------------------------------- discovery and keys

    async def discovery(self) -> Document:
        """The discovery document: one hour in memory, the last good copy when a refresh fails."""
        async with self._lock:
            return await self._document.get(self._fetch_document, age=self.settings.discovery_cache)

    async def _fetch_document(self) -> Document:
        issuer = self.settings.issuer
        usual = ("/.well-known/wallet-openid-configuration", "/.well-known/openid-configuration")
        paths = (self.settings.discovery_path,) if self.settings.discovery_path else usual
        for path in paths:
            try:
                answer = await http.call(SERVICE, self._http().get(f"{issuer}{path}"))
            except ConnectorFailure as failure:
                if failure.code == "404" and path != paths[-1]:
                    continue
                raise
            return read_document(read_json(answer, dict), issuer=issuer, endpoints=self.settings.endpoints)
        raise AssertionError("unreachable: the last path answers or raises")

    async def _known(self, kid: str | None) -> Mapping[str, tokens.Key]:
        """Known keys; fetched again for an unknown ``kid``, not more often than ``keys_refetch``."""
        document = await self.discovery()

        async def fetch() -> dict[str, tokens.Key]:
            answer = await http.call(SERVICE, self._http().get(document.jwks_uri))
            try:
                return tokens.keys(read_json(answer, dict))
            except ValueError as trouble:
                raise garbled("jwks", answer.content) from trouble

        async with self._lock:
            published = await self._keys.get(fetch, age=self.settings.keys_cache)
            if kid not in published:
                published = await self._keys.get(fetch, age=0.0)
            return self._memory.hold(published, self.settings.keys_cache)

    def _expected(self, *, nonce: str | None = None, access: str | None = None) -> tokens.Expected:
        settings = self.settings
        return tokens.Expected(
            issuer=settings.issuer,
            client_id=settings.client_id,
            now=clock.now(),
            leeway=settings.leeway,
            nonce=nonce,
            access_token=access,
            max_age=settings.logout_token_age,
        )

    async def _checked(
        self, what: str, text: str, table: tuple[tokens.Check, ...], expected: tokens.Expected
    ) -> Mapping[str, Any]:
        try:
            return tokens.check(text, await self._known(tokens.kid_of(text)), table, expected)
        except tokens.Rejected as rejected:
            raise garbled(f"{what}.{rejected.check}") from rejected

    # ---------------------------------------------------------------- what a browser is sent to

    async def authorization_url(
        self,
        *,
        state: str,
        nonce: str,
        challenge: str,
        prompt: str | None = None,
        establishment: str | None = None,
    ) -> str:
        """Where to send the browser. ``challenge``: PKCE S256; ``establishment``: an entry of the setting ``idp_hints``."""
        settings, document = self.settings, await self.discovery()
        words = {
            "response_type": "code",
            "client_id": settings.client_id,
            "redirect_uri": settings.redirect_uri,
            "scope": settings.scope,
            "acr_values": settings.acr_values,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "prompt": prompt,
            "kc_idp_hint": settings.idp_hints.get(establishment) if establishment else None,
        }
        return _with_query(document.authorization_endpoint, words)

    async def end_session_url(self, *, id_token: str | None, state: str) -> str | None:
        """Where to send the browser to end the national session; ``None`` when the provider has no such page."""
        document = await self.discovery()
        if document.end_session_endpoint is None:
            return None
        words = {
            "id_token_hint": id_token,
            "client_id": None if id_token else self.settings.client_id,
            "post_logout_redirect_uri": self.settings.post_logout_uri,
            "state": state,
        }
        return _with_query(document.end_session_endpoint, words)

    # ---------------------------------------------------------------- tokens

    async def exchange(self, *, code: str, verifier: str) -> Tokens:
        """The tokens of an authorization code."""
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
        return await self._tokens({**form, "redirect_uri": self.settings.redirect_uri})

    async def refresh(self, refresh_token: str, *, sub: str) -> Tokens:
        """New tokens of the same person; ``refused`` with code ``invalid_grant`` when the national session is over."""
        fresh = await self._tokens({"grant_type": "refresh_token", "refresh_token": refresh_token})
        if fresh.id_token is not None:
            expected = self._expected(access=fresh.access)
            claims = await self._checked("id_token", fresh.id_token, tokens.ID_TOKEN, expected)
            if claims["sub"] != sub:
                raise garbled("id_token.sub")
        return fresh

    async def _tokens(self, form: dict[str, str]) -> Tokens:
        document = await self.discovery()
        answer = await self._post(document.token_endpoint, form)
        return read_tokens(read_json(answer, dict), clock.now())

    async def _post(self, url: str, form: dict[str, str]) -> httpx.Response:
        words, basic = await asyncio.to_thread(credentials, self.settings, form, audience=url, now=clock.now())
        try:
            request = self._http().post(url, data=words, auth=basic or httpx.USE_CLIENT_DEFAULT)
            return await http.call(SERVICE, request)
        except ConnectorFailure as failure:
            raise oauth_failure(failure) from failure

    # ---------------------------------------------------------------- who

    async def signed_in(self, obtained: Tokens, *, nonce: str) -> SignedIn:
        """Check the id_token, ask the user information, and read both. ``garbled`` names the check that failed."""
        if obtained.id_token is None:
            raise garbled("id_token.absent")
        expected = self._expected(nonce=nonce, access=obtained.access)
        claims = await self._checked("id_token", obtained.id_token, tokens.ID_TOKEN, expected)
        said = await self.userinfo(obtained.access)
        if said.get("sub") != claims["sub"]:
            raise garbled("userinfo.sub")
        try:
            who = mapping.identity(said, issuer=self.settings.issuer, id_token=claims)
        except mapping.MissingIdentity as missing:
            raise ConnectorFailure(SERVICE, Kind.REFUSED, "no-national-id") from missing
        acr = claims.get("acr", said.get("acr"))
        asked = tokens.acr_level(self.settings.acr_values) or 1
        if acr is None and self.settings.acr_missing == "refuse":
            raise ConnectorFailure(SERVICE, Kind.REFUSED, "acr-missing")
        if tokens.acr_level(acr) is not None and not tokens.acr_is_enough(acr, asked=asked, accept_missing=True):
            raise ConnectorFailure(SERVICE, Kind.REFUSED, "acr-too-low")
        mode, sid = said.get("authMode"), claims.get("sid", claims.get("session_state"))
        return SignedIn(
            identity=who,
            tokens=obtained,
            sid=sid if isinstance(sid, str) else None,
            auth_time=auth_time(claims),
            acr=acr if isinstance(acr, str) else None,
            auth_mode=mode if isinstance(mode, str) else None,
        )

    async def userinfo(self, access: str) -> Mapping[str, Any]:
        """The user information, verified when it comes signed (``application/jwt``)."""
        document = await self.discovery()
        request = self._http().get(document.userinfo_endpoint, headers={"Authorization": f"Bearer {access}"})
        try:
            answer = await http.call(SERVICE, request)
        except ConnectorFailure as failure:
            raise oauth_failure(failure) from failure
        if answer.headers.get("Content-Type", "").split(";")[0].strip().lower() == "application/jwt":
            return await self._checked("userinfo", answer.text.strip(), tokens.USERINFO, self._expected())
        return read_json(answer, dict)

    async def logout_claims(self, logout_token: str) -> Mapping[str, Any]:
        """The claims of a back-channel logout token (psc.md 11.3); the caller remembers its ``jti``."""
        return await self._checked("logout_token", logout_token, tokens.LOGOUT, self._expected())


def _with_query(url: str, words: Mapping[str, str | None]) -> str:
    query = urlencode({name: value for name, value in words.items() if value})
    return f"{url}{'&' if '?' in url else '?'}{query}"
