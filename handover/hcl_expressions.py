"""Writes the strings and expressions of a Terraform configuration in JSON syntax as HCL text.

Owns: how a string in JSON syntax is read, and how an expression, a template, a reference or an object key is written in native syntax.
Leaves to others: blocks and their arguments (`handover/hcl.py`).

In JSON syntax, every string is a template, except where Terraform evaluates nothing and reads plain text. A template that consists of a
single `${...}` has the value of its expression and is written without quotes.

The spaces in an expression are those of `terraform fmt`, which never breaks or joins lines. An expression is written on one line, or, if
that is too long, on several lines that `terraform fmt` does not change. Comments inside an expression are dropped.

References:
    The grammar: https://github.com/hashicorp/hcl/blob/v2.24.0/hclsyntax/spec.md
    JSON syntax: https://developer.hashicorp.com/terraform/language/syntax/json
    The formatter: https://github.com/hashicorp/hcl/blob/v2.24.0/hclwrite/format.go
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Literal, TypeAlias

Reading: TypeAlias = Literal["template", "text", "requirement", "reference", "type"]
"""How Terraform reads a string of JSON syntax: as a template, as plain text, as a reference or as a type constraint.

In the requirement of a provider, strings are plain text, except the references in `configuration_aliases`.
"""

Lines: TypeAlias = list[str]
"""A value as lines. The first follows an equals sign; the others are indented relative to the argument."""

_Tokens: TypeAlias = list[str]

_TOKEN = re.compile(
    r"""
      (?P<heredoc> <<-?[^\W\d][\w-]*\r?\n )
    | (?P<newline> \n )
    | (?P<blank> [ \t\r]+ | \#[^\n]* | //[^\n]* | /\*.*?\*/ )
    | (?P<token> [^\W\d][\w-]* | \d(?:[\d.]|[eE][+-]?\d)*(?<!\.) | \.\.\. | :: | [=!<>]= | && | \|\| | => | [-+*/%<>=!?:,.()\[\]{}~] )
    """,
    re.VERBOSE | re.DOTALL,
)
# Terraform ends a literal of a template in JSON at every newline, and strip markers reach only as far as that. From a carriage return
# without a newline on, it takes the whole rest for a literal.
_LITERAL = re.compile(r"(?:\$\$\{~?|%%\{~?|[$%](?!\{)|[^$%\r\n]+)(?:\r?\n)?|\r?\n|\r.*", re.DOTALL)
_QUOTED_LITERAL = re.compile(r'(?:\\.|\$\$\{|%%\{|[$%](?!\{)|[^\\$%"])+', re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

_OPENING, _CLOSING = ("(", "[", "{"), (")", "]", "}")
_BEFORE_A_NEGATION = {"", *_OPENING, *"=:,?+*/%-<>!", "==", "!=", ">=", "<=", "&&", "||"}
_OPERATORS = (("?", ":"), ("||",), ("&&",), ("==", "!="), ("<", ">", "<=", ">="))
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_KINDS_WITHOUT_ELEMENT_TYPE = ("list", "map", "set")


class HclError(ValueError):
    """A configuration cannot be written as HCL. The message says which part, and why."""


def string(text: str, reading: Reading, room: int) -> Lines:
    """Return a string of JSON syntax as a value of native syntax, within `room` columns where it can be broken.

    Raises:
        HclError: when the string is not a valid template, reference or type.
    """
    match reading:
        case "template":
            return _template(list(_parts(text)), room)
        case "text" | "requirement":
            return _template([_as_template(text)], room)
        case "reference":
            return [_join(_tokens(text))]
        case "type":
            return _layout(_tokens(f"{text}(any)" if text in _KINDS_WITHOUT_ELEMENT_TYPE else text), room)


def object_key(text: str, reading: Reading) -> str:
    """Return a key of an object as it is written before the equals sign."""
    if reading == "reference":
        return _join(_tokens(text))
    if _NAME.fullmatch(text) and text != "for":
        return text
    parts = list(_parts(text)) if reading == "template" else [_as_template(text)]
    if tokens := _interpolated(parts):
        return f"({_join(tokens)})"
    # terraform fmt aligns by what a reader sees as one character, which Python cannot count.
    return _quoted(parts, plain=str.isascii)


def indented(lines: Iterable[str]) -> Lines:
    """Return the lines indented by one level. Blank lines are not indented, because they are content in a heredoc."""
    return [f"  {line}" if line.strip() else line for line in lines]


def assignments(entries: Iterable[tuple[str, Lines]]) -> Lines:
    """Return keys and their values with the equals signs aligned; a value of several lines interrupts the alignment."""
    lines: Lines = []
    for flat, group in groupby(entries, key=lambda entry: is_flat(entry[1])):
        together = list(group)
        width = max(len(key) for key, _ in together) if flat else 0
        for key, (first, *rest) in together:
            lines += [f"{key:<{width}} = {first}", *rest]
    return lines


def is_flat(value: Lines) -> bool:
    """Return whether `terraform fmt` aligns the value with its neighbours: it is one line or a heredoc."""
    return len(value) == 1 or is_heredoc(value)


def is_heredoc(value: Lines) -> bool:
    """Return whether the value is a heredoc, whose last line can have nothing else on it."""
    return value[0] == "<<-EOT"


# Reading


@dataclass(frozen=True)
class _Sequence:
    """An interpolation or a directive of a template.

    Attributes:
        opening: `${` or `%{`.
        tokens: what the braces hold.
        strips_before: whether it removes white space before it.
        strips_after: whether it removes white space after it.
    """

    opening: str
    tokens: _Tokens
    strips_before: bool
    strips_after: bool

    def __str__(self) -> str:
        inside = _join(self.tokens, before=self.opening)
        inside = f"{' ' * inside.startswith('{')}{inside}{' ' * inside.endswith('}')}"
        return f"{self.opening}{'~' * self.strips_before}{inside}{'~' * self.strips_after}}}"


_Part: TypeAlias = str | _Sequence


class _Scanner:
    """Reads expressions and templates out of a text, from `at` on."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def expression(self) -> _Tokens:
        """Read the tokens up to the end, or up to a brace that was not opened here."""
        tokens: _Tokens = []
        opened: list[str] = []
        while self.at < len(self.text) and (opened or self.text[self.at] != "}"):
            lexeme = self._lexeme(newline="," if opened[-1:] == ["{"] else "")
            if lexeme in _OPENING:
                opened.append(lexeme)
            elif lexeme in _CLOSING:
                if not opened or opened.pop()[0] != _OPENING[_CLOSING.index(lexeme)]:
                    raise self._error(f"unexpected {lexeme}")
                if tokens[-1] == ",":
                    tokens.pop()
            elif lexeme == "for" and tokens[-1:] == ["{"]:
                opened[-1] = "{for"  # unlike in an object, newlines separate nothing
            if lexeme and not (lexeme == "," and tokens[-1:] in (["{"], [","])):
                tokens.append(lexeme)
        if opened or not tokens:
            raise self._error(f"{opened[-1][0]} is not closed" if opened else "an expression is missing")
        return tokens

    def _lexeme(self, newline: str) -> str:
        """Read a token, or white space or a comment as nothing; `newline` is what a newline stands for."""
        if self.text[self.at] == '"':
            return self._quoted()
        found = _TOKEN.match(self.text, self.at)
        if not found or found["heredoc"]:
            raise self._error("use a quoted string instead of a heredoc" if found else "not a part of an expression")
        self.at = found.end()
        return newline if found["newline"] else found["token"] or ""

    def sequence(self) -> _Sequence:
        """Read an interpolation or a directive."""
        opening = self.text[self.at : self.at + 2]
        self.at += 2
        strips_before = self.text.startswith("~", self.at)
        self.at += strips_before
        tokens = self.expression()
        if self.at == len(self.text):
            raise self._error(f"{opening} is not closed")
        self.at += 1
        strips_after = tokens[-1] == "~"
        return _Sequence(opening, tokens[:-1] if strips_after else tokens, strips_before, strips_after)

    def literal(self, pattern: re.Pattern[str]) -> str:
        """Read the literal text that the pattern matches here, if any."""
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return found[0] if found else ""

    def _quoted(self) -> str:
        """Read a quoted string of an expression; its text stays as it is."""
        self.at += 1
        text = '"'
        while self.at < len(self.text):
            text += self.literal(_QUOTED_LITERAL)
            if self.text.startswith('"', self.at):
                self.at += 1
                return text + '"'
            if self.at < len(self.text):
                text += str(self.sequence())
        raise self._error("a quoted string is not closed")

    def _error(self, problem: str) -> HclError:
        return HclError(f"{self.text!r}, column {self.at + 1}: {problem}")


def _tokens(text: str) -> _Tokens:
    scanner = _Scanner(text)
    tokens = scanner.expression()
    if scanner.at < len(text):
        raise HclError(f"{text!r}, column {scanner.at + 1}: unexpected }}")
    return tokens


def _parts(text: str) -> Iterator[_Part]:
    """Yield the literals and sequences of a template, with the white space that strip markers remove already removed."""
    text = text.removeprefix("\ufeff")  # as Terraform does, which takes the template for a file
    scanner = _Scanner(text)
    literal, strip = "", False
    while scanner.at < len(text):
        if found := scanner.literal(_LITERAL):
            if literal:
                yield literal
            if found[0] == "\r" and found[1:2] != "\n":
                found = _as_template(re.sub(r"([$%])\1\{?", lambda escape: escape[0][escape[0].endswith("{") :], found))
            literal, strip = found.lstrip() if strip else found, False
            continue
        sequence = scanner.sequence()
        if sequence.strips_before:
            literal = literal.rstrip()
        if literal:
            yield literal
        literal, strip = "", sequence.strips_after
        yield _Sequence(sequence.opening, sequence.tokens, strips_before=False, strips_after=False)
    if literal:
        yield literal


def _as_template(text: str) -> str:
    return text.replace("${", "$${").replace("%{", "%%{")


# Writing


def _interpolated(parts: Sequence[_Part]) -> _Tokens | None:
    """Return the expression of a template that is nothing but `${...}`, which may hold another such template."""
    match parts:
        case [_Sequence(opening="${", tokens=[inner])] if inner.startswith('"${'):
            return _interpolated(list(_parts(inner[1:-1]))) or [inner]
        case [_Sequence(opening="${", tokens=tokens)]:
            return tokens
    return None


def _template(parts: Sequence[_Part], room: int) -> Lines:
    if tokens := _interpolated(parts):
        return _layout(tokens, room)
    return _heredoc("".join(map(str, parts))) or [_quoted(parts)]


def _quoted(parts: Iterable[_Part], plain: Callable[[str], bool] = str.isprintable) -> str:
    return f'"{"".join(_escaped(part, plain) if isinstance(part, str) else str(part) for part in parts)}"'


def _escaped(literal: str, plain: Callable[[str], bool]) -> str:
    return "".join(_ESCAPES.get(c) or (c if plain(c) and c.isprintable() else _code_point(c)) for c in literal)


def _code_point(character: str) -> str:
    code = f"{ord(character):04x}"
    return f"\\u{code}" if len(code) == len("ffff") else f"\\U{code:>08}"


def _heredoc(text: str) -> Lines | None:
    """Return a template of several lines as a heredoc, where that can hold it exactly.

    A heredoc ends with a newline, has no escapes and loses the indentation that all its lines share.
    """
    *lines, last = text.split("\n")
    fits = (
        len(lines) > 1
        and not last
        and any(line and not line[0].isspace() for line in lines)
        and all(line.strip() != "EOT" for line in lines)
        and all(c in "\n\t" or (c.isprintable() and unicodedata.category(c)[0] != "M") for c in text)
    )
    return ["<<-EOT", *indented(lines), "EOT"] if fits else None


def _join(tokens: _Tokens, before: str = "") -> str:
    """Return the tokens on one line; `before` is what precedes them on it."""
    text = ""
    for index, token in enumerate(tokens):
        text += token
        if index + 1 < len(tokens) and _space_between(tokens[index - 1] if index else before, token, tokens[index + 1]):
            text += " "
    return text


def _space_between(before: str, lexeme: str, after: str) -> bool:
    """Return whether `terraform fmt` puts a space between a token and the one after it; `before` is the one before it."""
    if (_is_name(lexeme) and after == "(") or "." in (lexeme, after) or "::" in (lexeme, after) or after in (",", "..."):
        return False
    if lexeme == "," or (lexeme == "in" and _is_name(before)):
        return True
    if (after == "[" and (_is_name(lexeme) or lexeme[0].isdigit() or lexeme in _CLOSING)) or lexeme == "!":
        return False
    if lexeme == "-":
        return before not in _BEFORE_A_NEGATION
    if lexeme == "{" or after == "}":
        return (lexeme, after) != ("{", "}")
    return lexeme not in _OPENING and after not in _CLOSING


def _is_name(token: str) -> bool:
    return token[:1].isalpha() or token[:1] == "_"


def _layout(tokens: _Tokens, room: int, *, in_brackets: bool = False) -> Lines:
    """Return an expression on one line, or broken inside brackets where it is too long and has some or can get some."""
    line = _join(tokens)
    if len(line) <= room:
        return [line]
    if tokens[0] == "for":
        return _for_expression(tokens, room)
    operands = _split(tokens, next((level for level in _OPERATORS if _split(tokens, level)[1:]), ()))
    if len(operands) == 1:
        return _broken_brackets(tokens, room)
    lines = [line for operand in operands for line in _layout(operand, room if in_brackets else room - 2, in_brackets=True)]
    return lines if in_brackets else ["(", *indented(lines), ")"]


def _for_expression(tokens: _Tokens, room: int) -> Lines:
    header, *body = _split(tokens, (":",))
    if not body or "?" in header:
        return [_join(tokens)]
    colon, *result = [token for part in body for token in part]
    header.append(colon)
    first = _join(header)
    lines = [first] if len(first) <= room else _broken_brackets(header, room)
    return lines + [line for part in _split(result, ("if",)) for line in _layout(part, room, in_brackets=True)]


def _broken_brackets(tokens: _Tokens, room: int) -> Lines:
    """Return the tokens with a line for each item of the longest brackets, or on one line where there are none to break."""
    groups = [(start, end) for start, end in _groups(tokens) if end - start > 1 and not _is_index(tokens, start)]
    # Where an equals sign precedes a bracket that stays open, terraform fmt takes the line for an assignment and aligns it.
    groups = [(start, end) for start, end in groups if "=" not in tokens[:start]]
    if not groups:
        return [_join(tokens)]
    start, end = max(groups, key=lambda group: len(_join(tokens[group[0] : group[1]])))
    opening, inside, closing = tokens[: start + 1], tokens[start + 1 : end], tokens[end:]
    if tokens[start] == "(" and _is_one_group(inside):
        first, *rest = _broken_brackets(inside, room)
        return [_join(opening) + first, *rest[:-1], rest[-1] + _join(closing)] if rest else [_join(tokens)]
    items = [item[1:] if index else item for index, item in enumerate(_split(inside, (",",)))]
    if inside[0] == "for":
        lines = _layout(inside, room - 2, in_brackets=True)
    elif tokens[start] == "{":
        lines = assignments(_item(item, room - 2) for item in items)
    else:
        lines = []
        for index, item in enumerate(items):
            comma = "," if tokens[start] == "[" or index + 1 < len(items) else ""
            lines += _layout(item, room - 2, in_brackets=True)
            lines[-1] += comma
    return [_join(opening), *indented(lines), _join(closing)]


def _item(tokens: _Tokens, room: int) -> tuple[str, Lines]:
    """Return key and value of an object's item. A line ends the item, so its value may not simply continue on another one."""
    key, *value = _split(tokens, ("=", ":"))
    name = _join(key)
    return name, _layout([token for part in value for token in part][1:], room - len(name) - 3)


def _split(tokens: _Tokens, separators: tuple[str, ...]) -> list[_Tokens]:
    """Return the tokens in parts; each but the first begins with a separator. What is inside brackets is not split."""
    inside = {index for start, end in _groups(tokens) for index in range(start, end)}
    starts = [0, *(i for i, token in enumerate(tokens) if i and token in separators and i not in inside), len(tokens)]
    return [tokens[start:end] for start, end in pairwise(starts)]


def _groups(tokens: _Tokens) -> Iterator[tuple[int, int]]:
    """Yield where outermost brackets open and close."""
    depth = start = 0
    for index, token in enumerate(tokens):
        if token in _OPENING:
            start, depth = start if depth else index, depth + 1
        elif token in _CLOSING:
            depth -= 1
            if not depth:
                yield start, index


def _is_one_group(tokens: _Tokens) -> bool:
    """Return whether the tokens are a list, an object or the call of a function, whose brackets can follow others on a line."""
    start, end = next(_groups(tokens), (2, 0))
    return end == len(tokens) - 1 and (start == 0 or (start == 1 and tokens[1] == "("))


def _is_index(tokens: _Tokens, start: int) -> bool:
    before = tokens[start - 1] if start else ""
    return tokens[start] == "[" and (
        before[-1:] in (*_CLOSING, '"') or before[:1].isdigit() or (_is_name(before) and before not in ("in", "if"))
    )
