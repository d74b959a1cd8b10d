import socket

from gitpod_pov.domain_names import Domain, _public_suffixes

import pytest
from pydantic import TypeAdapter, ValidationError

DOMAIN = TypeAdapter(Domain)

VALID = [
    "gitpod.acme-corp.dev",
    "acme-corp.dev",
    "acme.co.uk",
    "gitpod.acme.co.uk",
    "www.ck",  # an exception of the list: *.ck is a public suffix, www.ck is not
    "gitpod.city.kawasaki.jp",
    "acme.github.io",  # under a suffix of the private part
    "github.io",
    "appspot.com",
    "xn--bcher-kva.de",
    "acme.xn--p1ai",
    "gitpod.acme.newtopleveldomain",  # newer than the list
    "1.acme.dev",
    "123.dev",
    "example.acme.dev",
    "examples.com",
    "internal.acme.dev",
    "test.de",
    "a." + "b" * 63 + ".dev",
    ".".join(["a" * 57] * 4) + ".de",  # 234 characters
]
REFUSED = {
    "*.acme.dev": "is a wildcard",
    "a.*.acme.dev": "is a wildcard",
    "*": "is a wildcard",
    "acme.dev.": "ends with a dot: remove it",
    ".": "ends with a dot: remove it",
    "Acme.dev": "has uppercase letters: use lowercase",
    "acme.DEV": "has uppercase letters: use lowercase",
    "192.0.2.1": "is an IP address",
    "2001:db8::1": "is an IP address",
    "::1": "is an IP address",
    "[2001:db8::1]": "is an IP address",
    **dict.fromkeys(
        (
            "",
            "acme",
            "localhost",
            "acme..dev",
            ".acme.dev",
            "-acme.dev",
            "acme-.dev",
            "acme_corp.dev",
            "acme corp.dev",
            "https://acme.dev",
            "acme.dev/",
            "acme.dev:443",
            "ops@acme.dev",
            "bücher.de",
            "acme.dev\n",
            "${x}.dev",
            "a." + "b" * 64 + ".dev",
        ),
        "is not a domain name, such as gitpod.acme-corp.dev",
    ),
    **dict.fromkeys(("acme.123", "192.0.2"), "ends with a number"),
    ".".join(["a" * 57] * 4) + ".dev": "has 235 characters, but at most 234 are allowed",
    **{
        suffix: f"is a public suffix: use a domain that is registered under it, such as acme-corp.{suffix}"
        for suffix in ("dev", "com", "co.uk", "gov.uk", "acme.ck", "foo.kawasaki.jp", "xn--p1ai")
    },
    **dict.fromkeys(
        ("example.com", "gitpod.example.com", "example.net", "example.org", "example.dev", "a.b.example.co.uk"),
        "is reserved for examples: use a domain that you own",
    ),
    **{
        f"gitpod.{top_level}": f"is under .{top_level}, which is not in public DNS"
        for top_level in ("example", "test", "invalid", "localhost", "local", "internal", "onion", "alt", "arpa")
    },
}


@pytest.mark.parametrize("domain", VALID)
def test_accepts(domain: str) -> None:
    assert DOMAIN.validate_python(domain) == domain


@pytest.mark.parametrize("domain", REFUSED)
def test_refuses(domain: str) -> None:
    with pytest.raises(ValidationError) as refused:
        DOMAIN.validate_python(domain)
    assert refused.value.errors()[0]["msg"].removeprefix("Value error, ").startswith(REFUSED[domain])


def test_needs_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", lambda *_: pytest.fail("opens a socket"))
    _public_suffixes.cache_clear()
    DOMAIN.validate_python("gitpod.acme-corp.dev")
