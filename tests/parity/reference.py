"""The guide as data: its commands, and the requests that gcloud and kubectl send for them, recorded.

`golden/guide.sh` holds the commands as the guide prints them; `golden/*.json` the requests, each with what it was recorded from.
"""

import json
import shlex
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parent.parent / "golden"
PROJECT = "demo-project"
ACCOUNT = "alice@example.com"
NODE_ACCOUNT = f"gitpod-gke@{PROJECT}.iam.gserviceaccount.com"


def request(name: str) -> dict[str, Any]:
    recorded: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text())
    return recorded


def commands() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return each command of the guide: its words, and its flags with their values, variables filled in."""
    variables = {"PROJECT_NAME": PROJECT}
    script = (GOLDEN / "guide.sh").read_text().replace("\\\n", " ")
    found = []
    for line in script.splitlines():
        text = line.replace("$(gcloud config get-value core/account)", ACCOUNT)
        for name, value in variables.items():
            text = text.replace(f"${{{name}}}", value)
        words = shlex.split(text, comments=True)
        if len(words) == 1 and "=" in words[0]:
            name, _, variables[name] = words[0].partition("=")
        elif words:
            found.append(_flags(words))
    return found


def _flags(words: list[str]) -> tuple[str, list[tuple[str, str]]]:
    plain, flags, rest = [], [], iter(words)
    valueless = ("--enable-", "--no-enable-")
    for word in rest:
        if not word.startswith("--"):
            plain.append(word)
        elif "=" in word:
            flag, _, value = word.partition("=")
            flags.append((flag, value))
        else:
            flags.append((word, "" if word.startswith(valueless) else next(rest)))
    return " ".join(plain), flags


def leaves(value: Any, path: str = "") -> dict[str, Any]:
    """Return every leaf of a JSON value by its dotted path; a list of plain values, and an empty container, is a leaf."""
    if isinstance(value, dict) and value:
        return {p: leaf for key, inner in value.items() for p, leaf in leaves(inner, f"{path}|{key}" if path else key).items()}
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return {p: leaf for i, inner in enumerate(value) for p, leaf in leaves(inner, f"{path}|{i}").items()}
    return {path: value}
