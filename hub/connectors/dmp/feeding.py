"""The message of ITI-41 (TD2.1): one document, the signature of its set, and how they hang together. Pure."""

from __future__ import annotations

from dataclasses import replace

from hub.connectors.dmp import soap, xds
from hub.connectors.dmp.entries import fingerprint
from hub.connectors.dmp.submission import Submission


def message(submission: Submission, signed: bytes, *, target: str | None = None) -> tuple[str, list[soap.Part]]:
    """The body of the request and the parts it points at.

    ``signed``: the signature of the submission set; ``target``: entryUUID of the document replaced, if any.
    """
    entry, package = submission.entry, submission.submission_set
    signature = replace(submission.signature, hash=fingerprint(signed), size=len(signed))
    links = [
        xds.member(package.id, entry.id),
        xds.member(package.id, signature.id),
        xds.Association(kind=xds.SIGNS, source=signature.id, target=package.id),
    ]
    if target is not None:
        links.append(xds.Association(kind=xds.REPLACES, source=entry.id, target=target))
    parts = [
        soap.Part(id="document01@colibri", media_type="text/xml", content=submission.document),
        soap.Part(id="signature01@colibri", media_type="text/xml", content=signed),
    ]
    metadata = xds.submit(package, (entry, signature), links)
    return xds.provide(metadata, ((entry.id, parts[0].id), (signature.id, parts[1].id))), parts
