"""XML read with suspicion, canonicalised by the book, written with spellings of our own."""

from lxml import etree

CDA = "urn:hl7-org:v3"
SDTC = "urn:hl7-org:sdtc"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
DSIG = "http://www.w3.org/2000/09/xmldsig#"
XADES = "http://uri.etsi.org/01903/v1.1.1#"
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
XDSB = "urn:ihe:iti:xds-b:2007"
LCM = "urn:oasis:names:tc:ebxml-regrep:xsd:lcm:3.0"
RIM = "urn:oasis:names:tc:ebxml-regrep:xsd:rim:3.0"
RS = "urn:oasis:names:tc:ebxml-regrep:xsd:rs:3.0"
QUERY = "urn:oasis:names:tc:ebxml-regrep:xsd:query:3.0"
NS = {
    "h": CDA,
    "sdtc": SDTC,
    "xsi": XSI,
    "ds": DSIG,
    "x": XADES,
    "saml": SAML,
    "xdsb": XDSB,
    "lcm": LCM,
    "rim": RIM,
    "rs": RS,
    "q": QUERY,
    "re": "http://exslt.org/regular-expressions",
}

C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
C14N_COMMENTS = C14N + "#WithComments"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
EXCLUSIVE_COMMENTS = EXCLUSIVE + "WithComments"
CANONICAL = {
    C14N: (False, False),
    C14N_COMMENTS: (False, True),
    EXCLUSIVE: (True, False),
    EXCLUSIVE_COMMENTS: (True, True),
}  # algorithm: (exclusive, with comments)


def parse(content: bytes) -> etree._Element:
    """Raises ValueError, in French, on XML that is not well formed or that carries a document type declaration."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise ValueError(f"XML mal formé ({error.msg})") from error
    if root.getroottree().docinfo.doctype:
        raise ValueError("déclaration de type de document (DOCTYPE) interdite")
    return root


def find(element: etree._Element, path: str) -> list[etree._Element]:
    found = element.xpath(path, namespaces=NS)
    assert isinstance(found, list)
    return [one for one in found if isinstance(one, etree._Element)]


def first(element: etree._Element, path: str) -> etree._Element | None:
    return next(iter(find(element, path)), None)


def value(element: etree._Element, path: str) -> str:
    """The string value of the first node the path selects, trimmed; empty when it selects nothing."""
    return str(element.xpath(f"normalize-space({path})", namespaces=NS))


def holds(element: etree._Element, path: str) -> bool:
    return bool(element.xpath(f"boolean({path})", namespaces=NS))


def children(element: etree._Element) -> list[etree._Element]:
    """Child elements, without comments and processing instructions."""
    return [child for child in element if isinstance(child.tag, str)]


def local(element: etree._Element) -> str:
    return etree.QName(element).localname


def namespace(element: etree._Element) -> str:
    return etree.QName(element).namespace or ""


def canonical(element: etree._Element, algorithm: str) -> bytes:
    """Canonical octets of the subtree in its document. lxml forgets, on a subtree, the namespaces that inclusive
    C14N takes from the ancestors; they are declared again on a copy before writing it."""
    exclusive, comments = CANONICAL[algorithm]
    copy = etree.Element(element.tag, nsmap=element.nsmap)
    for name, content in element.attrib.items():
        copy.set(name, content)
    if not exclusive:
        for ancestor in element.iterancestors():
            for name, content in ancestor.attrib.items():
                if name.startswith("{http://www.w3.org/XML/1998/namespace}") and name not in copy.attrib:
                    copy.set(name, content)
    copy.text = element.text
    for child in parse(etree.tostring(element, with_tail=False)):
        copy.append(child)
    return etree.tostring(copy, method="c14n", exclusive=exclusive, with_comments=comments)


def canonical_document(content: bytes, algorithm: str) -> bytes:
    exclusive, comments = CANONICAL[algorithm]
    tree = parse(content).getroottree()
    return etree.tostring(tree, method="c14n", exclusive=exclusive, with_comments=comments)


def respell(element: etree._Element, prefixes: dict[str | None, str]) -> etree._Element:
    """The same infoset with other prefixes and the attributes in the opposite order."""
    copy = etree.Element(element.tag, nsmap=prefixes)
    _copy_into(element, copy)
    return copy


def _copy_into(source: etree._Element, target: etree._Element) -> None:
    for name, content in reversed(source.attrib.items()):
        target.set(name, content)
    target.text = source.text
    for child in children(source):
        copied = etree.SubElement(target, child.tag)
        _copy_into(child, copied)
        copied.tail = child.tail
