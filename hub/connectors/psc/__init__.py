"""Pro Santé Connect, the OpenID Connect provider of the Agence du Numérique en Santé for health professionals.

Specification: OpenID Connect Core 1.0 with PKCE (RFC 7636) as the national service speaks it (psc.md): authorization code flow,
userinfo, refresh, end of session, back-channel logout. Discovery under ``wallet-openid-configuration``, authorization page on
another host than the issuer. We are the service provider; nothing is received but the browser's return and logout tokens.
"""
