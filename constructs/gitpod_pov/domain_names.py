"""Domain names and e-mail addresses that Cloud DNS and Let's Encrypt accept.

Owns: the types `Domain` and `Email`. Leaves to others: what they are used for.

The Public Suffix List comes from a package. The list changes every week, and publicsuffixlist is released with each change and
contains it, so that no check needs the network. Only the ICANN part counts; the private part also lists domains that are valid here.
"""

import re
from functools import cache
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, WithJsonSchema

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

_LABEL = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_DOMAIN = rf"{_LABEL}(\.{_LABEL})+"
_EMAIL = "[A-Za-z0-9.!#$%&'*+/=?^_`|~-]+@" + _DOMAIN.replace("a-z", "A-Za-z")

_MISTAKES = {
    r".*\*.*": "is a wildcard: use the domain itself, names below it are included",
    r".*\.": "ends with a dot: remove it",
    r".*[A-Z].*": "has uppercase letters: use lowercase",
    r"[0-9]+(\.[0-9]+){3}|\[?[0-9a-f]*:[0-9a-f:.]*\]?": "is an IP address: use a domain name",
    r".*\.[0-9]+": "ends with a number, as no domain does: use a registered domain",
}
"""What is wrong with a value that matches, in words that continue a message after the value."""

_LONGEST_DOMAIN = 234
"""A DNS name has at most 253 characters, and the names of ACME challenges put `_acme-challenge.ws.` before the domain."""

_NOT_IN_PUBLIC_DNS = frozenset({"alt", "arpa", "example", "internal", "invalid", "local", "localhost", "onion", "test"})
"""Top-level domains for which no public authority issues certificates.

https://www.iana.org/assignments/special-use-domain-names, and .internal, which ICANN reserved on 2024-07-29.
"""


@cache
def _public_suffixes() -> "PublicSuffixList":
    from publicsuffixlist import PublicSuffixList  # takes 25 ms, only for deployments with a domain

    return PublicSuffixList(only_icann=True)


def _domain(value: str) -> str:
    if problem := _syntax_problem(value) or _reservation(value):
        raise ValueError(problem)
    return value


def _syntax_problem(value: str) -> str | None:
    """Return what is wrong with the form of a domain, in words that continue a message after the value."""
    for pattern, problem in _MISTAKES.items():
        if re.fullmatch(pattern, value):
            return problem
    is_top_level = re.fullmatch(_LABEL, value) and _public_suffixes().publicsuffix(value, accept_unknown=False)
    if not is_top_level and not re.fullmatch(_DOMAIN, value):
        return (
            "is not a domain name, such as gitpod.acme-corp.dev: two or more labels with dots between them, each with at most 63 "
            "lowercase letters, digits and hyphens; write other letters in Punycode (xn--)"
        )
    if len(value) > _LONGEST_DOMAIN:
        return f"has {len(value)} characters, but at most {_LONGEST_DOMAIN} are allowed, because names below it can have at most 253"
    return None


def _reservation(domain: str) -> str | None:
    """Return why a domain cannot be registered, in words that continue a message after the value."""
    top_level = domain.rpartition(".")[2]
    if top_level in _NOT_IN_PUBLIC_DNS:
        return f"is under .{top_level}, which is not in public DNS: use a registered domain"
    registrable: str | None = _public_suffixes().privatesuffix(domain)
    if registrable is None:
        return f"is a public suffix: use a domain that is registered under it, such as acme-corp.{domain}"
    if registrable.startswith("example."):
        return "is reserved for examples: use a domain that you own"
    return None


def _email(value: str) -> str:
    if not re.fullmatch(_EMAIL, value):
        raise ValueError("is not an e-mail address with a public domain, such as ops@acme-corp.dev")
    if problem := _reservation(value.rpartition("@")[2].lower()):
        raise ValueError(f"has a domain that {problem}")
    return value


Domain = Annotated[str, AfterValidator(_domain), WithJsonSchema({"type": "string", "pattern": f"^{_DOMAIN}$"})]
"""A domain that can be registered and for which Let's Encrypt issues certificates: lower case, no wildcard, no trailing dot.

https://docs.cloud.google.com/dns/docs/zones#create-pub-zone
"""

Email = Annotated[str, AfterValidator(_email), WithJsonSchema({"type": "string", "pattern": f"^{_EMAIL}$"})]
"""An e-mail address that Let's Encrypt accepts for an account.

https://github.com/letsencrypt/boulder/blob/main/policy/pa.go, `ValidEmail`
"""
