"""The codemod: what it rewrites in Python, in dependency files and in Markdown, and what it leaves as it is."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.app import ROOT
from tools.terrain import Requirements, rewrite_python

REWRITTEN = {
    "import": ("import cdktf\napp = cdktf.App()\n", "import cdktn\napp = cdktn.App()\n"),
    "from import": (
        "from cdktf import (  # all we need\n    App,\n    TerraformStack as Stack,\n)\n",
        "from cdktn import (  # all we need\n    App,\n    TerraformStack as Stack,\n)\n",
    ),
    "import as": ("import cdktf as c, json\nc.App()\n", "import cdktn as c, json\nc.App()\n"),
    "dotted import as": (
        "import cdktf_cdktf_provider_google.container_cluster as gke\n",
        "import cdktn_provider_google.container_cluster as gke\n",
    ),
    "dotted import": (
        "import cdktf_cdktf_provider_google.provider\ncdktf_cdktf_provider_google.provider.GoogleProvider\n",
        "import cdktn_provider_google.provider\ncdktn_provider_google.provider.GoogleProvider\n",
    ),
    "provider of two words": (
        "from cdktf_cdktf_provider_google_beta import provider\n",
        "from cdktn_provider_google_beta import provider\n",
    ),
    "dotted import of cdktf": (
        "import cdktf.testing_matchers\ncdktf.testing_matchers.x\n",
        "import cdktn.testing_matchers\ncdktn.testing_matchers.x\n",
    ),
    "continued line": ("from \\\n    cdktf import App\n", "from \\\n    cdktn import App\n"),
    "in a function": ("def f():\n    import cdktf\n    return cdktf.App\n", "def f():\n    import cdktn\n    return cdktn.App\n"),
    "one line": ("import os; import cdktf; cdktf.App()\n", "import os; import cdktn; cdktn.App()\n"),
    "string annotations": (
        'import cdktf\ndef f(app: "cdktf.App", *, s: "list[cdktf.TerraformStack | None]") -> "cdktf.App":\n    x: "cdktf.App"\n',
        'import cdktn\ndef f(app: "cdktn.App", *, s: "list[cdktn.TerraformStack | None]") -> "cdktn.App":\n    x: "cdktn.App"\n',
    ),
    "string annotation of a provider": (
        'def f(c: "cdktf_cdktf_provider_google.provider.GoogleProvider") -> None: ...\n',
        'def f(c: "cdktn_provider_google.provider.GoogleProvider") -> None: ...\n',
    ),
    "under TYPE_CHECKING": (
        'if TYPE_CHECKING:\n    import cdktf\nx = cast("cdktf.App", y)\n',
        'if TYPE_CHECKING:\n    import cdktn\nx = cast("cdktn.App", y)\n',
    ),
    "type comment": ("import cdktf\nx = []  # type: list[cdktf.App]\n", "import cdktn\nx = []  # type: list[cdktn.App]\n"),
    "import_module": (
        'm = importlib.import_module("cdktf")\nn = import_module("cdktf_cdktf_provider_google.provider")\n',
        'm = importlib.import_module("cdktn")\nn = import_module("cdktn_provider_google.provider")\n',
    ),
    "other dynamic imports": (
        "__import__('cdktf')\nfind_spec('cdktf.testing_matchers')\npytest.importorskip('cdktf')\nversion('cdktf-cdktf-provider-google')\n",
        "__import__('cdktn')\nfind_spec('cdktn.testing_matchers')\npytest.importorskip('cdktn')\nversion('cdktn-provider-google')\n",
    ),
    "parts of a name": (
        'import_module(f"cdktf.{name}")\nimport_module("cdktf." + name)\nimport_module(f"cdktf_cdktf_provider_{name}")\n',
        'import_module(f"cdktn.{name}")\nimport_module("cdktn." + name)\nimport_module(f"cdktn_provider_{name}")\n',
    ),
    "sys.modules": (
        'sys.modules["cdktf"]; sys.modules.get("cdktf"); "cdktf" in sys.modules\n',
        'sys.modules["cdktn"]; sys.modules.get("cdktn"); "cdktn" in sys.modules\n',
    ),
    "patched": ('mock.patch("cdktf.TerraformStack.to_terraform")\n', 'mock.patch("cdktn.TerraformStack.to_terraform")\n'),
    "f-string": (
        'import cdktf\nx = f"{cdktf.App()!r:>{cdktf.W}} {{cdktf.App}}"\n',
        'import cdktn\nx = f"{cdktn.App()!r:>{cdktn.W}} {{cdktf.App}}"\n',
    ),
    "the name is something else too": (
        "import cdktf\ndef f(cdktf): return cdktf\ncdktf.App()\n",
        "import cdktn as cdktf\ndef f(cdktf): return cdktf\ncdktf.App()\n",
    ),
    "both families": (
        "try:\n    import cdktn as cdktf\nexcept ImportError:\n    import cdktf\ncdktf.App()\n",
        "try:\n    import cdktn as cdktf\nexcept ImportError:\n    import cdktn as cdktf\ncdktf.App()\n",
    ),
    "the new name is taken": ("import cdktf\ncdktn = cdktf.App()\n", "import cdktn as cdktf\ncdktn = cdktf.App()\n"),
    "exported again": ('import cdktf\n__all__ = ["cdktf"]\n', 'import cdktn\n__all__ = ["cdktn"]\n'),
    "from a module of the project": ("from .common import cdktf\ncdktf.App()\n", "from .common import cdktn\ncdktn.App()\n"),
    "keyword of the same name": ("import cdktf\nf(cdktf=cdktf.App, x=y.cdktf)\n", "import cdktn\nf(cdktf=cdktn.App, x=y.cdktf)\n"),
    "code in a string": ('run("""\n    import cdktf\n    cdktf.App()\n""")\n', 'run("""\n    import cdktn\n    cdktn.App()\n""")\n'),
    "doctest": ('"""Doc.\n\n>>> from cdktf import App\n"""\n', '"""Doc.\n\n>>> from cdktn import App\n"""\n'),
    "after a wide character": ('import cdktf\nx = "ä→🌍", cdktf.App\n', 'import cdktn\nx = "ä→🌍", cdktn.App\n'),
    "Windows line ends": ("import json\r\nimport cdktf\r\ncdktf.App()\r\n", "import json\r\nimport cdktn\r\ncdktn.App()\r\n"),
    "form feed": ("x = 1\n\x0cimport cdktf\ncdktf.App()\n", "x = 1\n\x0cimport cdktn\ncdktn.App()\n"),
    "setup.py": (
        'setup(install_requires=["cdktf~=0.21.0", "cdktf-cdktf-provider-google>=16"], extras_require={"x": ["cdktf"]})\n',
        'setup(install_requires=["cdktn>=0.22,<0.23", "cdktn-provider-google"], extras_require={"x": ["cdktn"]})\n',
    ),
    "script metadata": (
        '# /// script\n# dependencies = ["cdktf>=0.21", "cdktf-cdktf-provider-aws"]\n# ///\n# not "cdktf"\n',
        '# /// script\n# dependencies = ["cdktn>=0.22,<0.23", "cdktn-provider-aws"]\n# ///\n# not "cdktf"\n',
    ),
    "names in Node": ('T = "@cdktf/provider-google.serviceAccount"\n', 'T = "@cdktn/provider-google.serviceAccount"\n'),
}


@pytest.mark.parametrize(("old", "new"), REWRITTEN.values(), ids=REWRITTEN)
def test_python_is_rewritten(old: str, new: str) -> None:
    assert rewrite_python(old, Requirements({})) == new
    assert rewrite_python(new, Requirements({})) == new


KEPT = [
    'labels = {"managed-by": "cdktf", "cdktf": "yes"}\n',
    'x = "cdktf.json", "cdktf.out/stacks", "cdktf deploy", "built with cdktf.App, and from cdktf", "cdktf-cli"\n',
    "from .cdktf import helper\nfrom infra.cdktf import helper\nimport infra.cdktf as c\nfrom cdktfx import y\n",
    "import cdktf_multi_stack_tfe\n",
    "self.cdktf = cdktf = 1\nprint(cdktf)\n",
    'run(["cdktf", "synth"], env={"CDKTF_OUTDIR": "cdktf.out"})\n',
    '# uses cdktf\n"""About cdktf, imported from cdktf."""\n',
]


@pytest.mark.parametrize("text", KEPT)
def test_text_that_does_not_name_the_package_is_kept(text: str) -> None:
    assert rewrite_python(text, Requirements({})) == text


def test_a_name_with_two_meanings_is_refused() -> None:
    with pytest.raises(ValueError, match="line 1: `cdktf` names the package and something else"):
        rewrite_python("import cdktf.testing_matchers\ncdktf = 1\n", Requirements({}))


def test_this_project_s_own_modules_keep_their_structure() -> None:
    """Nothing but names changes: the same statements on the same lines, and nothing of the old family is left."""
    checked = 0
    for path in [*ROOT.glob("constructs/**/*.py"), *ROOT.glob("stacks/*.py"), *ROOT.glob("deployment/*.py")]:
        text = path.read_text()
        new = rewrite_python(text, Requirements({}))
        assert new.count("\n") == text.count("\n")
        old_tree, new_tree = (list(ast.walk(ast.parse(it))) for it in (text, new))
        assert [type(it) for it in old_tree] == [type(it) for it in new_tree]
        imported = {it.module for it in new_tree if isinstance(it, ast.ImportFrom)}
        imported |= {alias.name for it in new_tree if isinstance(it, ast.Import) for alias in it.names}
        assert not [it for it in imported if it and it.startswith("cdktf")]
        checked += new != text
    assert checked > 10


PROJECT = {
    "main.py": "from cdktf import App\nfrom helpers import cdktf\n",
    "helpers.py": "import cdktf\n",
    "broken.py": "import cdktf\nprint 'Python 2'\n",
    "tool": "#!/usr/bin/env python3\nimport cdktf\n",
    "latin.py": "# coding: latin-1\nimport cdktf\nx = 'é'\n",
    "pyproject.toml": (
        '[project]\nname = "app"\ndependencies = [\n    "cdktf>=0.21,<0.22",  # the core\n'
        "    'cdktf-cdktf-provider-google ~= 16.12 ; python_version > \"3.8\"',\n"
        '    "cdktf_cdktf_provider_aws",\n    "cdktf-multi-stack-tfe>=1",\n]\n'
        '[tool.poetry.dependencies]\ncdktf = "^0.21"\ncdktf-cdktf-provider-kubernetes = {version = "12.1.1", optional = true}\n'
        '[[tool.mypy.overrides]]\nmodule = ["cdktf.*", "cdktf_cdktf_provider_google.*"]\n'
        '[tool.ruff]\nextend-exclude = ["cdktf.out", "cdktf.json"]\n'
    ),
    "Pipfile": '[packages]\ncdktf = "~=0.21.0"\ncdktf-cdktf-provider-google = "*"\n"cdktf-cdktf-provider-null" = "==11.0.0"\n',
    "requirements.txt": (
        'cdktf==0.21.0  # pinned\ncdktf-cdktf-provider-google\ncdktf-cdktf-provider-null>=11; python_version < "4"\nboto3\n'
    ),
    "requirements-lock.txt": "cdktf==0.21.0 \\\n    --hash=sha256:00\n",
    "poetry.lock": '[[package]]\nname = "cdktf"\n',
    "yarn.lock": "left-pad@1\n",
    "README.md": (
        "Use cdktf:\n\n```python\nimport cdktf\ncdktf.App()\n```\n\n```sh\ncdktf deploy\n```\n\n```python\nfrom cdktf import (...\n```\n"
    ),
    "cdktf.json": '{"language": "python", "app": "python main.py"}\n',
    "terraform.app.tfstate": "{}\n",
    "cdktf.out/manifest.json": "{}\n",
    "venv/pyvenv.cfg": "home = /usr\n",
    "venv/lib/cdktf.py": "",
    "imports/google/_jsii/google.tgz": "",
    "imports/google/__init__.py": "import cdktf\n",
    ".github/workflows/ci.yml": "run: cdktf deploy\n",
}
EXPECTED = {
    "main.py": "from cdktn import App\nfrom helpers import cdktn\n",
    "helpers.py": "import cdktn\n",
    "broken.py": PROJECT["broken.py"],
    "tool": "#!/usr/bin/env python3\nimport cdktn\n",
    "latin.py": "# coding: latin-1\nimport cdktn\nx = 'é'\n",
    "pyproject.toml": (
        '[project]\nname = "app"\ndependencies = [\n    "cdktn>=0.22,<0.23",  # the core\n'
        "    'cdktn-provider-google ; python_version > \"3.8\"',\n"
        '    "cdktn_provider_aws",\n    "cdktf-multi-stack-tfe>=1",\n]\n'
        '[tool.poetry.dependencies]\ncdktn = ">=0.22,<0.23"\ncdktn-provider-kubernetes = {version = "*", optional = true}\n'
        '[[tool.mypy.overrides]]\nmodule = ["cdktn.*", "cdktn_provider_google.*"]\n'
        '[tool.ruff]\nextend-exclude = ["cdktf.out", "cdktf.json"]\n'
    ),
    "Pipfile": '[packages]\ncdktn = ">=0.22,<0.23"\ncdktn-provider-google = "*"\n"cdktn-provider-null" = "*"\n',
    "requirements.txt": 'cdktn>=0.22,<0.23  # pinned\ncdktn-provider-google\ncdktn-provider-null; python_version < "4"\nboto3\n',
    "yarn.lock": PROJECT["yarn.lock"],
    "README.md": PROJECT["README.md"].replace("import cdktf\ncdktf.App", "import cdktn\ncdktn.App"),
    "cdktf.json": PROJECT["cdktf.json"],
    "terraform.app.tfstate": PROJECT["terraform.app.tfstate"],
    ".github/workflows/ci.yml": PROJECT[".github/workflows/ci.yml"],
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in PROJECT.items():
        path = tmp_path / "app" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("latin-1" if name == "latin.py" else "utf-8"))
    (tmp_path / "app" / "tool").chmod(0o755)
    (tmp_path / "app" / "link.py").symlink_to("helpers.py")
    return tmp_path / "app"


def terrain(*arguments: Path | str) -> "subprocess.CompletedProcess[str]":
    """Run the tool alone, as users do who have copied it."""
    command = [sys.executable, "-I", ROOT / "tools" / "terrain.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def content(folder: Path) -> dict[str, str]:
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()}
    return {name: path.read_bytes().decode("latin-1" if name == "latin.py" else "utf-8") for name, path in files.items()}


def test_a_project_is_copied_and_rewritten(project: Path, tmp_path: Path) -> None:
    target = tmp_path / "new" / "app"
    result = terrain(project, target)
    assert content(target) == EXPECTED
    assert content(project) == PROJECT
    assert (target / "tool").stat().st_mode == (project / "tool").stat().st_mode
    assert (target / "link.py").readlink() == Path("helpers.py")
    assert result.returncode == 1
    assert sorted(result.stderr.splitlines()) == [
        "to do: broken.py: is not rewritten: line 2 is not Python 3",
        "to do: imports/google: generated bindings are not copied; generate them with `cdktn get`",
        "to do: poetry.lock: locks packages of CDKTF and is not copied; lock again",
        "to do: requirements-lock.txt: locks packages of CDKTF and is not copied; lock again",
    ]
    assert result.stdout == f"{target}: 8 files are rewritten for CDK Terrain\n"


def test_a_copy_may_be_inside_the_project(project: Path) -> None:
    terrain(project, project / "copy")
    assert content(project / "copy") == EXPECTED


def test_own_requirements_and_lock_files_replace_the_defaults(project: Path, tmp_path: Path) -> None:
    (project / "pyproject.toml").write_text(
        '[project]\nname = "app"\ndependencies = ["cdktf>=0.21", "cdktf-cdktf-provider-null>=11"]\n'
        "# What the copy requires.\n"
        '[tool.terrain]\ncdktf = "cdktn>=0.22,<0.25"\ncdktf-cdktf-provider-null = "cdktn-provider-null[x]>=15"\napp = "app-cdktn"\n'
        "# Next.\n[tool.other]\n"
    )
    (project / "Pipfile").write_text('[packages]\napp = {path = ".", editable = true}\n')
    (project / "poetry.cdktn.lock").write_text("new\n")
    for name in ("broken.py", "imports", "requirements-lock.txt"):
        path = project / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    result = terrain(project, tmp_path / "copy")
    assert (result.returncode, result.stderr) == (0, "")
    copied = content(tmp_path / "copy")
    assert copied["pyproject.toml"] == (
        '[project]\nname = "app-cdktn"\ndependencies = ["cdktn>=0.22,<0.25", "cdktn-provider-null[x]>=15"]\n# Next.\n[tool.other]\n'
    )
    assert copied["Pipfile"] == '[packages]\napp-cdktn = {path = ".", editable = true}\n'
    assert copied["poetry.lock"] == "new\n"
    assert "poetry.cdktn.lock" not in copied


def test_nothing_is_overwritten(project: Path, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").touch()
    for arguments, message in (
        ((project, tmp_path / "taken"), f"{tmp_path / 'taken'}: exists; choose a directory that does not exist"),
        ((project, project / "main.py"), f"{project / 'main.py'}: exists; choose a directory that does not exist"),
        ((tmp_path / "nowhere", tmp_path / "copy"), f"{tmp_path / 'nowhere'}: is not a directory"),
    ):
        result = terrain(*arguments)
        assert (result.returncode, result.stdout, result.stderr) == (2, "", message + "\n")
    assert content(project) == PROJECT
    assert not (tmp_path / "copy").exists()


def test_a_pyproject_that_cannot_be_read_is_named(project: Path, tmp_path: Path) -> None:
    (project / "pyproject.toml").write_text("[")
    result = terrain(project, tmp_path / "copy")
    assert result.returncode == 2
    assert result.stderr.startswith(f"{project / 'pyproject.toml'}: ")
    assert not (tmp_path / "copy").exists()
