"""People who sign in: accounts, means of sign-in, situations, preferences, sessions, one-time codes, and who may be asked."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    func,
    literal_column,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from hub.storage.tables import metadata

Texts: ARRAY[Any] = ARRAY(Text)
When = DateTime(timezone=True)


def _account(**options: Any) -> Column[str]:
    return Column("account", Text, ForeignKey("account.id"), nullable=False, **options)


account = Table(
    "account",
    metadata,
    Column("id", Text, primary_key=True),
    Column("identifier", Text, unique=True, comment="5 digits, of a local account"),
    Column("national_id", Text, comment="prefix and number, verified"),
    Column("practitioner", Text, comment="Practitioner id"),
    Column("civility", Text, nullable=False, server_default=""),
    Column("given", Text, nullable=False, server_default="", comment="civil first name"),
    Column("family", Text, nullable=False, server_default="", comment="civil name"),
    Column("email", Text, nullable=False, server_default=""),
    Column("email_confirmed_at", When),
    Column("mobile", Text, nullable=False, server_default="", comment="private, for codes and notices; E.164"),
    Column("mobile_confirmed_at", When),
    Column("contact_phone", Text, nullable=False, server_default="", comment="shown to colleagues"),
    Column("state", Text, nullable=False, server_default="active", comment="active waiting closed"),
    Column("created_at", When, nullable=False),
    Column("signed_in_at", When),
    Index("account_by_national_id", "national_id"),
    Index("account_by_email", func.lower(literal_column("email"))),
)

sign_in_method = Table(
    "sign_in_method",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    _account(),
    Column("kind", Text, nullable=False, comment="psc local"),
    Column("issuer", Text, nullable=False, server_default=""),
    Column("subject", Text, nullable=False, comment="psc: SubjectNameID; local: the 5 digits"),
    Column("sub", Text, nullable=False, server_default="", comment="technical subject of the issuer, last seen"),
    Column("secret_hash", Text, comment="argon2id"),
    Column("totp_secret", LargeBinary, comment="sealed"),
    Column("totp_step", BigInteger, comment="last time step used: a TOTP code serves once"),
    Column("tries", Integer, nullable=False, server_default="0", comment="failed since the last success"),
    Column("closed_until", When),
    Column("code_tries", Integer, nullable=False, server_default="0", comment="of the second factor"),
    Column("code_closed_until", When),
    Column("created_at", When, nullable=False),
    UniqueConstraint("kind", "issuer", "subject"),
    Index("sign_in_method_by_account", "account"),
)

other_id = Table(
    "other_id",
    metadata,
    _account(primary_key=True),
    Column("value", Text, primary_key=True),
    Column("origin", Text, nullable=False, server_default=""),
    Index("other_id_by_value", "value"),
)

situation = Table(
    "situation",
    metadata,
    Column("role", Text, primary_key=True, comment="PractitionerRole id"),
    _account(),
    Column("key", Text, nullable=False, comment="activity key (rpps.md 5.1)"),
    Column("profession", Text, nullable=False, server_default="", comment="TRE_G15"),
    Column("category", Text, nullable=False, server_default="", comment="TRE_R09"),
    Column("title", Text, nullable=False, server_default="", comment="DR PR"),
    Column("given", Text, nullable=False, server_default="", comment="names of exercise"),
    Column("family", Text, nullable=False, server_default=""),
    Column("specialties", Texts, nullable=False, server_default="{}", comment="know-how codes"),
    Column("structure_key", Text, nullable=False, server_default=""),
    Column("structure_id", Text, nullable=False, server_default="", comment="IDNST, with its prefix"),
    Column("structure_name", Text, nullable=False, server_default=""),
    Column("organization", Text, comment="Organization id"),
    Column("commune", Text, nullable=False, server_default=""),
    Column("mode", Text, nullable=False, server_default=""),
    Column("sector", Text, nullable=False, server_default=""),
    Column("role_code", Text, nullable=False, server_default=""),
    Column("kind", Text, nullable=False, server_default=""),
    Column("section", Text, nullable=False, server_default=""),
    Column("seen_at", When, nullable=False),
    Column("ended_at", When),
    UniqueConstraint("account", "key"),
)

capacity = Table(
    "capacity",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    _account(),
    Column("capacity", Text, nullable=False, comment="operator coordinator third-party administrator secretary"),
    Column("organization", Text, comment="Organization id: the CPTS served, or the third party"),
    Column("role", Text, comment="PractitionerRole acted for, of a secretary"),
    Column("since", When, nullable=False),
    Column("until", When),
    Index("capacity_by_account", "account"),
    Index("capacity_by_organization", "organization", "capacity"),
)

preference = Table(
    "preference",
    metadata,
    Column("role", Text, ForeignKey("situation.role"), primary_key=True),
    Column("network", Text, comment="CPTS joined"),
    Column("radius_km", Integer, nullable=False),
    Column("kinds", Texts, nullable=False, comment="kinds of care taken"),
    Column("care_types", Texts, nullable=False, server_default="{}", comment="care types taken; empty: all"),
    Column("sas_networks", Texts, nullable=False, server_default="{}", comment="CPTS for which a SAS volunteer"),
    Column("max_open", Integer),
    Column("hours", JSONB, nullable=False, comment="hours for notices, as hub.domain.hours reads them; empty: any"),
    Column("absences", JSONB, nullable=False, server_default="[]", comment="[[from, until]] as dates, both included"),
    Column("by_email", Boolean, nullable=False, server_default="true"),
    Column("by_sms", Boolean, nullable=False, server_default="true"),
    Column(
        "addresses",
        JSONB,
        nullable=False,
        server_default="[]",
        comment="places of practice; the first is where people go from",
    ),
)

candidate = Table(
    "candidate",
    metadata,
    Column("role", Text, ForeignKey("situation.role"), primary_key=True),
    _account(),
    Column("national_id", Text, comment="as Patient.generalPractitioner names a usual professional"),
    Column("profession", Text, nullable=False, comment="code; a student's is another: 10/E"),
    Column("specialties", Texts, nullable=False, server_default="{}"),
    Column("commune", Text, nullable=False),
    Column("longitude", Float),
    Column("latitude", Float),
    Column("network", Text),
    Column("sas_networks", Texts, nullable=False, server_default="{}"),
    Column("kinds", Texts, nullable=False, server_default="{}"),
    Column("care_types", Texts, nullable=False, server_default="{}"),
    Column("radius_km", Integer, nullable=False),
    Column(
        "reach_km",
        Integer,
        nullable=False,
        server_default="32000",
        comment="from the middle of the commune: nobody further away need be measured",
    ),
    Column("max_open", Integer),
    Column("absences", JSONB, nullable=False, server_default="[]"),
    Column("is_active", Boolean, nullable=False),
    Index("candidate_by_commune", "profession", "commune", "reach_km"),
    Index("candidate_by_network", "profession", "network"),
    Index("candidate_by_national_id", "national_id"),
    Index("candidate_by_sas_network", "sas_networks", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
    comment="one row a situation that may be asked: what the search for candidates needs, kept in step by workflows.accounts",
)

browser_session = Table(
    "browser_session",
    metadata,
    Column("id", Text, primary_key=True),
    Column("token_hash", LargeBinary, nullable=False, unique=True, comment="SHA-256 of the cookie"),
    _account(),
    Column("means", Text, nullable=False, comment="psc local"),
    Column("csrf", Text, nullable=False),
    Column("role", Text, comment="situation chosen"),
    Column("capacity", BigInteger, ForeignKey("capacity.id"), comment="capacity chosen"),
    Column("issuer", Text, nullable=False, server_default=""),
    Column("sub", Text, nullable=False, server_default=""),
    Column("sid", Text, comment="session of the issuer"),
    Column("acr", Text),
    Column("auth_mode", Text),
    Column("auth_time", When, nullable=False),
    Column("tokens", LargeBinary, comment="sealed JSON: refresh and id_token"),
    Column("refresh_expires_at", When),
    Column("created_at", When, nullable=False),
    Column("active_at", When, nullable=False, comment="last act of the person"),
    Column("checked_at", When, nullable=False, comment="last time the issuer confirmed the session"),
    Column("checking_until", When, comment="somebody is asking the issuer, or was told to wait"),
    Column(
        "is_unconfirmed", Boolean, nullable=False, server_default="false", comment="the issuer could not be reached"
    ),
    Column("ended_at", When),
    Column("ended_why", Text),
    Index("browser_session_by_account", "account"),
    Index("browser_session_by_sid", "issuer", "sid"),
    Index("browser_session_by_sub", "issuer", "sub"),
)

sign_in_attempt = Table(
    "sign_in_attempt",
    metadata,
    Column("state_hash", LargeBinary, primary_key=True),
    Column("browser_hash", LargeBinary, nullable=False),
    Column("nonce", Text, nullable=False),
    Column("verifier", LargeBinary, nullable=False, comment="sealed"),
    Column("return_to", Text, nullable=False),
    Column("not_before", When, comment="auth_time asked for, when a fresh sign-in is wanted"),
    Column("created_at", When, nullable=False),
    Column("used_at", When),
)

one_time_code = Table(
    "one_time_code",
    metadata,
    Column("id", Text, primary_key=True),
    _account(),
    Column("purpose", Text, nullable=False, comment="sign-in email mobile link"),
    Column("browser_hash", LargeBinary, comment="the browser that may give it"),
    Column("channel", Text, nullable=False),
    Column("address", Text, nullable=False, comment="where it was sent: confirmed with it"),
    Column("code_hash", LargeBinary, nullable=False, comment="SHA-256 of id and code"),
    Column("sealed", LargeBinary, comment="the code until it was sent"),
    Column("subject", Text, comment="what it gives, for a link: the other account"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("created_at", When, nullable=False),
    Column("expires_at", When, nullable=False),
    Column("used_at", When),
    Index("one_time_code_by_account", "account", "purpose", "created_at"),
)

logout_token = Table(
    "logout_token",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("jti", Text, primary_key=True),
    Column("seen_at", When, nullable=False),
)

account_review = Table(
    "account_review",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("kind", Text, nullable=False, comment="several-accounts unverified-number"),
    Column("national_id", Text, nullable=False),
    Column("accounts", Texts, nullable=False),
    Column("created_at", When, nullable=False),
    Column("done_at", When),
    Column("done_by", Text),
)

account_difference = Table(
    "account_difference",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    _account(),
    Column("kind", Text, nullable=False, comment="hub.storage.differences.Kind"),
    Column("role", Text, nullable=False, server_default="", comment="PractitionerRole id, of a situation"),
    Column("said", Text, nullable=False, server_default="", comment="what Pro Santé Connect or the hub says"),
    Column("directory", Text, nullable=False, server_default="", comment="what the directory says"),
    Column("load", BigInteger, comment="the load that brought it; none: seen at a sign-in"),
    Column("created_at", When, nullable=False),
    Column("done_at", When, comment="settled by itself, or seen by somebody"),
    Column("done_by", Text, comment="account of the operator who has seen it"),
    Index("account_difference_by_account", "account"),
    Index(
        "account_difference_open",
        *("account", "kind", "role", "said", "directory"),
        unique=True,
        postgresql_where=literal_column("done_at IS NULL"),
    ),
    comment="on what the directory and an account disagree (rpps.md 10.5)",
)
