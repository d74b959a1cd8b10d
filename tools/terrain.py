"""Rewrites a copy of a CDKTF project in Python for its successor, CDK Terrain: `python tools/terrain.py SOURCE TARGET`.

The source is only read. In the copy:

- `cdktf` is `cdktn` and `cdktf_cdktf_provider_X` is `cdktn_provider_X`: in imports, in the names that they bind, in string
  annotations, and where a string names a module (`importlib.import_module("cdktf")`, `mock.patch("cdktf.App.synth")`);
- pyproject.toml, Pipfile, setup.cfg, setup.py and requirements files name the packages of CDK Terrain, in the release that
  has the same provider schemas as the last release of CDKTF;
- Python examples in Markdown are rewritten as well.

Everything else is copied byte for byte, formatting and comments included. `cdktf.json`, `cdktf.out` and the `CDKTF_*`
environment variables keep their names: CDK Terrain still uses them.

The copy does not contain environments, caches and generated files: `cdktf.out`, bindings written by `cdktf get` (generate them again
with `cdktn get`), and lock files that name packages of CDKTF. If the project has NAME.cdktn.lock, the copy has it as NAME.lock.

To use other requirements than the default, a project maps old names to new requirements in its pyproject.toml:

    [tool.terrain]
    cdktf = "cdktn>=0.22,<0.25"

Needs only Python 3.11, so that it can run on any project. Exit status: 0, or 1 when manual steps remain, or 2 when nothing was
copied.
"""

import ast
import io
import re
import shutil
import sys
import tokenize
import tomllib
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

OLD, NEW = "cdktf", "cdktn"
CDKTN = ">=0.22,<0.23"
"""The release of cdktn whose provider packages have the same schemas as the last ones of CDKTF. Each of them requires a range of cdktn,
so that this range chooses their versions too."""

_GENERATED = {".git", ".hg", ".svn", ".tox", ".nox", ".terraform", "node_modules", "__pycache__", "cdktf.out", ".pytest_cache"}
_GENERATED |= {".mypy_cache", ".ruff_cache", ".hypothesis", ".terrain"}

# Module, distribution and npm names of provider packages. No other name starts like these.
_PROVIDERS = [
    (re.compile(r"(?<!\w)cdktf_cdktf_provider_"), "cdktn_provider_"),
    (re.compile(r"(?<![\w-])cdktf-cdktf-provider-"), "cdktn-provider-"),
    (re.compile(r"(?<!\w)@cdktf/provider-"), "@cdktn/provider-"),
]
_ATTRIBUTE = re.compile(r"(?<![\w.])cdktf(?=\.(?:[A-Z]\w*|testing_matchers|_jsii)\b)")
"""`cdktf` in `cdktf.App`; but not in `cdktf.json` and `cdktf.out`."""
_IMPORT_LINE = re.compile(r"^([ \t]*(?:>>> |\.\.\. )?(?:from|import)[ \t]+)cdktf(?=\.\w+[ \t]|[ \t]|[ \t]*$)", re.MULTILINE)
_CALLS_WITH_MODULE = {
    *("import_module", "__import__", "find_spec", "importorskip", "reload", "resolve_name", "run_module"),
    *("version", "distribution", "metadata", "requires", "files"),
    *("get", "pop", "setdefault"),  # of sys.modules
}
_LISTS_OF_REQUIREMENTS = {"install_requires", "setup_requires", "tests_require", "extras_require"}
_INTERPOLATED = tuple(getattr(ast, name) for name in ("JoinedStr", "TemplateStr") if hasattr(ast, name))
_BINDS_ITS_NAME = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler, ast.MatchAs, ast.MatchStar)

Edit = tuple[int, int, str]


class Requirements:
    """What a project requires instead of the packages of CDKTF.

    Args:
        chosen: old name to new requirement, from `[tool.terrain]`.
    """

    _SPECIFIER = r"\s*(?P<specifier>[(~<>=!^][^;'\"#\n]*?)?"

    def __init__(self, chosen: dict[str, str]) -> None:
        self.chosen = {_normalized(name): requirement for name, requirement in chosen.items()}
        others = "".join(rf"|{re.escape(name)}" for name in self.chosen if not name.startswith(OLD))
        name = rf"(?P<name>cdktf(?:[-_.]cdktf[-_.]provider[-_.][A-Za-z0-9]+(?:[-_.][A-Za-z0-9]+)*)?{others})(?P<extras>\s*\[[^]\n]*\])?"
        tail = r"(?P<tail>\s*(?:;(?:\\.|(?!(?P=quote))[^\\\n])*)?)"
        self.quoted = re.compile(rf"(?P<before>(?P<quote>['\"])){name}{self._SPECIFIER}{tail}(?P<after>(?P=quote))(?!\s*[=:])")
        self.line = re.compile(rf"(?P<before>^\s*){name}{self._SPECIFIER}(?P<tail>\s*(?:;[^#\n]*)?)(?P<after>\s*(?:#.*)?$)", re.MULTILINE)
        self.key = re.compile(rf"^(?P<before>\s*)(?P<quote>['\"]?){name}(?P=quote)(?P<equals>\s*=\s*)(?P<value>.*)$", re.MULTILINE)

    def new(self, name: str) -> tuple[str, str]:
        """Return the new name and version specifier of an old name; the specifier may be empty."""
        if chosen := self.chosen.get(_normalized(name)):
            parsed = re.fullmatch(r"([A-Za-z0-9._-]+)\s*(.*)", chosen)
            if parsed is None:
                raise ValueError(f"[tool.terrain] {name}: '{chosen}' is not a requirement")
            return parsed[1], parsed[2]
        if _normalized(name) == OLD:
            return NEW, CDKTN
        separator = name[len(OLD)]
        return NEW + name[len(OLD) + 1 + len(OLD) :].replace(name[len(OLD)], separator), ""

    def in_strings(self, text: str) -> str:
        """Rewrite quoted requirements, such as those in pyproject.toml."""
        return self.quoted.sub(self._requirement, text)

    def has_version(self, text: str) -> bool:
        """Whether a text is a requirement with a version, so that it cannot mean anything else."""
        found = self.quoted.fullmatch(f'"{text}"')
        return found is not None and found["specifier"] is not None

    def in_lines(self, text: str) -> str:
        """Rewrite requirements with one line each, as in a requirements file."""
        return self.line.sub(self._requirement, text)

    def in_keys(self, text: str) -> str:
        """Rewrite TOML keys that are names of packages, as in a Pipfile."""
        return self.key.sub(self._key, text)

    def _requirement(self, found: re.Match[str]) -> str:
        name, specifier = self.new(found["name"])
        if not found["specifier"]:  # a requirement without a version stays without one
            specifier = ""
        return f"{found['before']}{name}{found['extras'] or ''}{specifier}{found['tail']}{found['after']}"

    def _key(self, found: re.Match[str]) -> str:
        name, specifier = self.new(found["name"])
        version = re.compile(r"""(?P<start>^|version\s*=\s*)(?P<quote>['"])(?P<old>[^'"*]+)(?P=quote)""")
        value = version.sub(lambda it: f"{it['start']}{it['quote']}{specifier or '*'}{it['quote']}", found["value"], count=1)
        return f"{found['before']}{found['quote']}{name}{found['quote']}{found['equals']}{value}"


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def rewrite_python(text: str, requirements: Requirements, modules: frozenset[str] = frozenset()) -> str:
    """Return the source of a Python module for CDK Terrain.

    Args:
        text: the source.
        requirements: how requirements that are written as strings change.
        modules: the names of the project's own modules. What they export is rewritten in them too.

    Raises:
        SyntaxError: when it is not Python.
        ValueError: when a name has two meanings that cannot be told apart.
    """
    if OLD not in text:
        return text
    module = _Module(text, requirements, modules)
    for start, end, new in sorted(module.edits(), reverse=True):
        text = text[:start] + new + text[end:]
    return _with_providers(text)


def _with_providers(text: str) -> str:
    for old, new in _PROVIDERS:
        text = old.sub(new, text)
    return text


class _Module:
    """The places of a module where `cdktf` means the package."""

    def __init__(self, text: str, requirements: Requirements, modules: frozenset[str]) -> None:
        self.text = text
        self.requirements = requirements
        self.modules = modules
        self.tree = _parsed(text)
        self.line_starts = [0, *(found.end() for found in re.finditer(r"\r\n|\r|\n", text))]
        bound = set(self.other_bindings())
        self.renamed = not bound & {OLD, NEW}
        """Whether the name `cdktf` becomes `cdktn`. Where it also names something else, the import keeps it: `import cdktn as cdktf`."""

    def edits(self) -> Iterator[Edit]:
        nodes = [self.tree]
        while nodes:
            node: ast.AST = nodes.pop()
            if isinstance(node, _INTERPOLATED):  # before Python 3.12 nodes in f-strings have no usable positions
                yield from self.in_interpolated(node)
                continue
            nodes.extend(ast.iter_child_nodes(node))
            if isinstance(node, ast.Import):
                yield from self.in_import(node)
            elif isinstance(node, ast.ImportFrom):
                yield from self.in_import_from(node)
            elif isinstance(node, ast.Name) and node.id == OLD and self.renamed:
                yield self.replaced(self.start_of(node))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and OLD in node.value:
                yield from self.in_string(node, node.value)
            yield from self.of_modules(node)
        yield from self.in_comments()

    def other_bindings(self) -> Iterator[str]:
        """Yield the names that something else than an import of the package binds."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (it.asname for it in node.names if it.asname)
                yield from (NEW for it in node.names if it.asname is None and it.name.split(".")[0] == NEW)
            elif isinstance(node, ast.ImportFrom):
                own = self.is_own(node)
                yield from (it.asname or it.name for it in node.names if it.asname or not own)
            elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                yield node.id
            elif isinstance(node, ast.arg):
                yield node.arg
            elif isinstance(node, _BINDS_ITS_NAME) and node.name:
                yield node.name

    def is_own(self, node: ast.ImportFrom) -> bool:
        """Whether an import is from a module of the project, which is rewritten too."""
        return OLD not in self.modules and (node.level > 0 or (node.module or "").split(".")[0] in self.modules)

    def in_import(self, node: ast.Import) -> Iterator[Edit]:
        for alias in node.names:
            if alias.name.split(".")[0] != OLD:
                continue
            if self.renamed or alias.asname:
                yield self.replaced(self.start_of(alias))
            elif alias.name == OLD:
                start = self.start_of(alias)
                yield start, start + len(OLD), f"{NEW} as {OLD}"
            else:
                raise ValueError(f"line {alias.lineno}: `{OLD}` names the package and something else, rename one of them")

    def in_import_from(self, node: ast.ImportFrom) -> Iterator[Edit]:
        if node.level == 0 and (node.module or "").split(".")[0] == OLD:
            keyword = re.compile(r"from(?:\s|\\\r?\n)+").match(self.text, self.start_of(node))
            assert keyword is not None, node.lineno
            yield self.replaced(keyword.end())
        elif self.renamed and self.is_own(node):
            yield from (self.replaced(self.start_of(alias)) for alias in node.names if alias.name == OLD)

    def in_string(self, node: ast.Constant, value: str) -> Iterator[Edit]:
        segment = self.segment(node)
        new = segment
        if self.renamed and (_is_expression_with_package(value) or _IMPORT_LINE.search(value)):
            new = _ATTRIBUTE.sub(NEW, _IMPORT_LINE.sub(rf"\1{NEW}", new))
            new = re.sub(rf"(['\"]\s*(?:from|import)[ \t]+){OLD}\b", rf"\1{NEW}", new)  # the line on which the literal starts
        if self.requirements.has_version(value):
            new = self.requirements.in_strings(new)
        if new != segment:
            start = self.start_of(node)
            yield start, start + len(segment), new

    def in_interpolated(self, node: ast.expr) -> Iterator[Edit]:
        """Yield edits for the fields of an f-string: `f"{cdktf.App()} {{not here}}"`."""
        segment = self.segment(node)
        depth = 0
        for found in re.finditer(rf"\{{\{{|\}}\}}|[{{}}]|(?<![\w.'\"]){OLD}(?=\.)", segment):
            if found[0] == OLD:
                if depth and self.renamed:
                    yield self.replaced(self.start_of(node) + found.start())
            elif found[0] in "{}":
                depth += 1 if found[0] == "{" else -1
            elif depth:  # `{{` begins, and `}}` ends, two nested fields
                depth += 2 if found[0] == "{{" else -2

    def of_modules(self, node: ast.AST) -> Iterator[Edit]:
        """Yield edits for strings that are the name of a module because of where they are."""
        strings: list[ast.expr] = []
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in _CALLS_WITH_MODULE and (name not in {"get", "pop", "setdefault"} or _is_sys_modules(node.func)):
                strings += node.args[:1]
        elif isinstance(node, ast.Subscript) and _is_sys_modules(node):
            strings.append(node.slice)
        elif isinstance(node, ast.Compare) and any(_is_sys_modules(it) for it in node.comparators):
            strings.append(node.left)
        elif isinstance(node, ast.Assign) and any(isinstance(it, ast.Name) and it.id == "__all__" for it in node.targets) and self.renamed:
            strings += getattr(node.value, "elts", [])
        elif isinstance(node, ast.keyword) and node.arg in _LISTS_OF_REQUIREMENTS:
            strings += [it for it in ast.walk(node.value) if isinstance(it, ast.Constant)]
        for string in strings:
            leading = string
            while isinstance(leading, ast.BinOp):  # "cdktf." + name
                leading = leading.left
            value = leading.values[0] if isinstance(leading, ast.JoinedStr) and leading.values else leading
            if isinstance(value, ast.Constant) and re.fullmatch(rf"{OLD}(?:\.[a-z_]\w*)*\.?", str(value.value)):
                yield self.replaced(self.start_of(leading) + self.segment(leading).index(OLD))

    def in_comments(self) -> Iterator[Edit]:
        script_metadata = False  # https://peps.python.org/pep-0723/
        for token in tokenize.generate_tokens(io.StringIO(self.text, newline="").readline):
            if token.type != tokenize.COMMENT:
                continue
            if token.string.startswith("# ///"):
                script_metadata = token.string.rstrip() == "# /// script"
            new = _ATTRIBUTE.sub(NEW, token.string) if self.renamed else token.string
            if script_metadata:
                new = self.requirements.in_strings(new)
            if new != token.string:
                start = self.line_starts[token.start[0] - 1] + token.start[1]
                yield start, start + len(token.string), new

    def replaced(self, start: int) -> Edit:
        assert self.text.startswith(OLD, start), self.text[start : start + 40]
        return start, start + len(OLD), NEW

    def start_of(self, node: ast.expr | ast.stmt | ast.alias) -> int:
        return self.offset(node.lineno, node.col_offset)

    def segment(self, node: ast.expr) -> str:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.text[self.start_of(node) : self.offset(node.end_lineno, node.end_col_offset)]

    def offset(self, line: int, column: int) -> int:
        """Return the place in the text of a line and a column in UTF-8 bytes, which is how `ast` counts."""
        start = self.line_starts[line - 1]
        return start + len(self.text[start : start + column].encode()[:column].decode(errors="ignore"))


def _is_expression_with_package(value: str) -> bool:
    """Whether a string is an annotation or a dotted name that uses the package; prose and file names are not."""
    if not _ATTRIBUTE.search(value):
        return False
    try:
        _parsed(value.strip(), "eval")
    except (SyntaxError, ValueError):
        return False
    return True


def _parsed(text: str, mode: Literal["exec", "eval"] = "exec") -> ast.AST:
    with warnings.catch_warnings(action="ignore"):  # invalid escapes and the like concern only the project
        return ast.parse(text, mode=mode)


def _is_sys_modules(node: ast.AST) -> bool:
    """Whether an expression is `sys.modules`, or an item or an attribute of it."""
    if isinstance(node, ast.Subscript) or (isinstance(node, ast.Attribute) and node.attr != "modules"):
        node = node.value
    return isinstance(node, ast.Attribute) and node.attr == "modules" and isinstance(node.value, ast.Name) and node.value.id == "sys"


class Copy:
    """A copy of a project, rewritten for CDK Terrain.

    Attributes:
        to_do: the remaining manual steps, one line each.
        rewritten: the files that differ from the source, as paths in the copy.
    """

    def __init__(self, source: Path, target: Path) -> None:
        self.source, self.target = source.resolve(), target.resolve()
        self.to_do: list[str] = []
        self.rewritten: list[Path] = []
        pyproject = self.source / "pyproject.toml"
        content = tomllib.loads(pyproject.read_text(encoding="utf-8")) if pyproject.is_file() else {}
        self.requirements = Requirements(content.get("tool", {}).get("terrain", {}))

    def write(self) -> None:
        """Write the copy."""
        files = list(self.files(self.source))
        python = [relative for _, relative in files if relative.suffix == ".py"]
        modules = frozenset({path.stem for path in python} | {path.parent.name for path in python})
        self.target.mkdir(parents=True, exist_ok=True)
        for path, old in files:
            relative = Path(*map(_with_providers, old.parts))
            to = self.target / relative
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, to, follow_symlinks=False)
            if not path.is_symlink():
                self.rewrite(to, relative, modules)

    def files(self, directory: Path) -> Iterator[tuple[Path, Path]]:
        """Yield the files of a directory that belong to the project, each with its path in the project."""
        for path in sorted(directory.iterdir()):
            relative = path.relative_to(self.source)
            if path == self.target or _is_generated(path) or path.name.endswith(f".{NEW}.lock"):
                continue
            if path.is_dir() and not path.is_symlink():
                if any((path / "_jsii").glob("*.tgz")):
                    self.to_do.append(f"{relative}: generated bindings are not copied; generate them with `cdktn get`")
                else:
                    yield from self.files(path)
            elif self.is_lock(path):
                instead = path.with_name(f"{path.name.removesuffix('.lock')}.{NEW}.lock")
                if instead.is_file():
                    yield instead, relative
                else:
                    self.to_do.append(f"{relative}: locks packages of CDKTF and is not copied; lock again")
            elif path.is_file() or path.is_symlink():
                yield path, relative

    def is_lock(self, path: Path) -> bool:
        """Whether a file locks packages of CDKTF."""
        if not path.is_file() or not (path.suffix == ".lock" or path.name.startswith("pylock.") or _is_requirements(path)):
            return False
        content = path.read_bytes()
        return OLD.encode() in content and (path.suffix != ".txt" or b"--hash=" in content)

    def rewrite(self, path: Path, relative: Path, modules: frozenset[str]) -> None:
        """Rewrite a file of the copy in place."""
        rewrite = self.rewriter(path, modules)
        if rewrite is None:
            return
        content = path.read_bytes()
        try:
            encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline) if _is_python(path) else ("utf-8", [])
            text = content.decode(encoding)
            new = rewrite(text)
        except (SyntaxError, ValueError) as error:
            if OLD.encode() in content:
                reason = f"line {error.lineno} is not Python {sys.version_info[0]}" if isinstance(error, SyntaxError) else error
                self.to_do.append(f"{relative}: is not rewritten: {reason}")
            return
        if new != text:
            path.write_bytes(new.encode(encoding))
            self.rewritten.append(relative)
        if not _is_python(path) and path.suffix != ".md":
            for number, line in enumerate(new.splitlines(), 1):
                if re.search(r"(?<![\w./-])cdktf(?![\w.-])", line.partition("#")[0]):
                    self.to_do.append(f"{relative}:{number}: still names cdktf; change it by hand if it means the package")

    def rewriter(self, path: Path, modules: frozenset[str]) -> Callable[[str], str] | None:
        """Return the function that rewrites a file of this kind, or None."""
        if _is_python(path):
            return lambda text: rewrite_python(text, self.requirements, modules)
        if path.suffix == ".md":
            return lambda text: _rewrite_markdown(text, self.requirements, modules)
        if path.name in {"pyproject.toml", "Pipfile"}:
            return self.rewrite_toml
        if _is_requirements(path) or path.name == "setup.cfg":
            return lambda text: _with_providers(self.requirements.in_lines(text))
        return None

    def rewrite_toml(self, text: str) -> str:
        """Rewrite dependencies and names of modules, and remove `[tool.terrain]`."""
        text = re.sub(r"(?ms)^(?:#[^\n]*\n)*\[tool\.terrain\].*?(?=^(?:#[^\n]*\n)*\[|\Z)", "", text)
        text = self.requirements.in_keys(self.requirements.in_strings(text))
        text = re.sub(r"(?<=['\"])cdktf(?=\.(?!json\b|out\b)[\w*.]+['\"])", NEW, text)  # patterns of modules, as for mypy
        return _with_providers(text)


def _rewrite_markdown(text: str, requirements: Requirements, modules: frozenset[str]) -> str:
    """Rewrite the Python examples of a Markdown file; an example that is only a part of a module is left as it is."""

    def example(found: re.Match[str]) -> str:
        try:
            return found[1] + rewrite_python(found[2], requirements, modules) + found[3]
        except (SyntaxError, ValueError):
            return found[0]

    return re.sub(r"(?ms)^(```(?:python|py)\b[^\n]*\n)(.*?)(^```)", example, text)


def _is_generated(path: Path) -> bool:
    """Whether a file or directory is an environment, a cache or the output of a command."""
    return (
        path.name in _GENERATED
        or path.name.endswith((".egg-info", ".pyc"))
        or (path / "pyvenv.cfg").exists()
        or (path.name == "build" and any((path / it).exists() for it in ("lib", "bdist.linux-x86_64")))
        or (path.name == "dist" and any(path.glob("*.whl")))
    )


def _is_python(path: Path) -> bool:
    if path.suffix in {".py", ".pyi"}:
        return True
    if path.suffix:
        return False
    with path.open("rb") as file:
        return re.match(rb"#!.*python", file.readline(200)) is not None


def _is_requirements(path: Path) -> bool:
    return path.suffix in {".txt", ".in"} and (
        "requirements" in path.name or "constraints" in path.name or path.parent.name == "requirements"
    )


def main(source: str, target: str) -> int:
    """Write the copy, print the remaining manual steps, and return the exit status."""
    if not Path(source).is_dir():
        print(f"{source}: is not a directory", file=sys.stderr)
        return 2
    if Path(target).exists() and (not Path(target).is_dir() or any(Path(target).iterdir())):
        print(f"{target}: exists; choose a directory that does not exist", file=sys.stderr)
        return 2
    try:
        copy = Copy(Path(source), Path(target))
    except ValueError as error:
        print(f"{Path(source) / 'pyproject.toml'}: {error}", file=sys.stderr)
        return 2
    copy.write()
    print(f"{target}: {len(copy.rewritten)} files are rewritten for CDK Terrain")
    for line in copy.to_do:
        print(f"to do: {line}", file=sys.stderr)
    return 1 if copy.to_do else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:  # noqa: PLR2004
        sys.exit("usage: python tools/terrain.py SOURCE TARGET")
    sys.exit(main(*sys.argv[1:]))
