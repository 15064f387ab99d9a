"""Envelopes, multipart bodies and faults."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from hub.connectors.dmp import soap

ROOT = b'<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><a/></e:Body></e:Envelope>'
PARTS = st.lists(st.binary(max_size=200), max_size=4)


def test_envelope_holds_addressing_security_and_body() -> None:
    made = soap.envelope("<a/>", action="urn:x", to="https://dmp/a?b&c", message_id="urn:uuid:1", assertion="<s/>")
    root = etree.fromstring(made)
    header = root.find("soap:Header", soap.NS)
    assert header.findtext("wsa:Action", namespaces=soap.NS) == "urn:x"
    assert header.findtext("wsa:To", namespaces=soap.NS) == "https://dmp/a?b&c"
    assert header.findtext("wsa:ReplyTo/wsa:Address", namespaces=soap.NS).endswith("/anonymous")
    assert [etree.QName(one).localname for one in header.find(f"{{{soap.WSSE}}}Security")] == ["s"]
    assert soap.read("", made).payload.tag == "a"


@given(PARTS)
def test_what_is_joined_comes_back_to_the_byte(contents: list[bytes]) -> None:
    parts = [soap.Part(id=f"p{n}@x", media_type="text/xml", content=one) for n, one in enumerate(contents)]
    content_type, body = soap.mtom(ROOT, parts, boundary="limite", action="urn:x")
    reply = soap.read(content_type, body)
    assert {one.id: one.content for one in parts} == {k: v for k, v in reply.parts.items() if k != soap.ROOT_PART}


def test_content_type_is_complete() -> None:
    content_type, _ = soap.mtom(ROOT, (), boundary="b", action="urn:ihe:x")
    assert soap.parameters(content_type) == {
        "type": "application/xop+xml",
        "start-info": "application/soap+xml",
        "start": "<root@colibri>",
        "boundary": "b",
        "action": "urn:ihe:x",
    }


def test_a_boundary_inside_a_part_is_refused() -> None:
    with pytest.raises(ValueError, match="boundary"):
        soap.mtom(ROOT, [soap.Part(id="p", media_type="x", content=b"--limite")], boundary="limite", action="x")


def test_a_multipart_answer_of_another_style_is_read() -> None:
    """Bare line feeds, preamble, root part last, no quotes, header names in capitals."""
    body = (
        b"preamble\n--xyz  \nCONTENT-ID: <doc@peer>\n\nbytes\x00\r\n\n--xyz\nContent-Id: <env@peer>\n\n"
        + ROOT
        + b"\n--xyz--\n"
    )
    reply = soap.read("Multipart/Related; Boundary=xyz; start=<env@peer>", body)
    assert reply.payload.tag == "a"
    assert reply.parts["doc@peer"] == b"bytes\x00\r\n"
    include = '<d xmlns:x="http://www.w3.org/2004/08/xop/include"><x:Include href="cid:doc@peer"/></d>'
    assert soap.content_of(etree.fromstring(include), reply.parts) == b"bytes\x00\r\n"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<!doctype html><html></html>",
        b"<a/>",
        ROOT.replace(b"<a/>", b""),
        ROOT.replace(b"2003/05/soap-envelope", b"2001/soap"),
        b"<!DOCTYPE a [<!ENTITY x 'y'>]>" + ROOT,
        b"--b\r\n\r\nnothing",
    ],
)
def test_what_is_no_envelope_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError):
        soap.read("application/soap+xml", content)


def fault(code: str, subcode: str = "", reason: str = "", detail: str = "") -> soap.Fault | None:
    inner = f"<e:Subcode><e:Value>p:{subcode}</e:Value></e:Subcode>" if subcode else ""
    text = (
        f'<e:Fault xmlns:e="{soap.SOAP}" xmlns:p="urn:p"><e:Code><e:Value>e:{code}</e:Value>{inner}</e:Code>'
        f'<e:Reason><e:Text xml:lang="fr">{reason}</e:Text></e:Reason><e:Detail>{detail}</e:Detail></e:Fault>'
    )
    return soap.fault(etree.fromstring(text))


def test_faults_name_the_most_precise_code_first() -> None:
    assert fault("Sender", "InvalidSecurityToken").codes == ("InvalidSecurityToken", "Sender")
    assert fault("Receiver").codes == ("Receiver",)
    assert fault("Sender", detail="<c>DMPInvalidCertificate</c>").codes == ("DMPInvalidCertificate", "Sender")
    assert soap.fault(etree.fromstring("<a/>")) is None
