"""How jsii's kernel is started, and what it keeps in memory."""

import json
import re
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from tests.bindings.conftest import NODE, SAMPLE_APP, Run, app_directory, child_environment

KERNEL = """
import json, sys, warnings
from pathlib import Path
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import gitpod_pov
    from gitpod_pov.bindings import kernel_hooks
    {}
    import cdktf, os
def commands(pid):
    for child in Path(f"/proc/{{pid}}/task/{{pid}}/children").read_text().split():
        yield [Path(it).name for it in Path(f"/proc/{{child}}/cmdline").read_text().split("\\0")[:-1]]
        yield from commands(child)
names = [command[-1] for command in commands(os.getpid())]
print(json.dumps([names, [str(it.message) for it in caught], cdktf.Fn.abs(1)]))
"""
DIRECT, WRAPPED = ["program.js"], ["jsii-runtime.js", "program.js"]


def test_is_one_process(run: Run) -> None:
    names, caught, function = run(KERNEL.format(""))
    assert (names, caught) == (DIRECT, [])
    assert str(function)


FAILS_ONCE = """runtime = kernel_hooks._NodeProcess._jsii_runtime
    def once(process):
        kernel_hooks._NodeProcess._jsii_runtime = runtime
        raise AttributeError("gone")
    kernel_hooks._NodeProcess._jsii_runtime = once"""


@pytest.mark.parametrize(
    ("change", "warnings"),
    [
        ("kernel_hooks._SHELL = Path('/no/shell')", 0),
        ("kernel_hooks._NODE_OPTIONS = ('--no-such-option',)", 1),
        ("kernel_hooks._NODE_OPTIONS = ('--eval=process.exit(0)',)", 1),
        ("kernel_hooks._NODE_OPTIONS = ('--eval=require(`fs`).writeSync(3, `{}` + String.fromCharCode(10))',)", 1),
        (FAILS_ONCE, 1),
    ],
    ids=["no shell", "unknown option", "ends at once", "another greeting", "another jsii"],
)
def test_falls_back_to_jsiis_own_start(run: Run, change: str, warnings: int) -> None:
    names, caught, function = run(KERNEL.format(change))
    assert names == WRAPPED
    assert ["so jsii's wrapper starts it" in it for it in caught] == [True] * warnings, caught
    assert str(function)


def test_the_users_node_runtime_is_kept(run: Run, tmp_path: Path) -> None:
    for resource in (resources.files("jsii") / "_embedded" / "jsii").iterdir():
        if resource.name.endswith(".js"):
            folder, _, name = resource.name.partition("__")
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / name).write_bytes(resource.read_bytes())
    names, caught, _ = run(KERNEL.format(""), JSII_RUNTIME=str(tmp_path / "bin" / "jsii-runtime.js"))
    assert (names, caught) == (WRAPPED, [])


def test_output_of_node_is_printed(jsii_cache: Path, tmp_path: Path) -> None:
    script = tmp_path / "print.cjs"
    script.write_text("process.on('exit', () => { console.log('out ä'); console.error('err ä'); });")
    environment = child_environment(JSII_RUNTIME_PACKAGE_CACHE_ROOT=str(jsii_cache), NODE_OPTIONS=f'--require "{script}"')
    command = [sys.executable, "-c", "import gitpod_pov, cdktf"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("out ä\n", "err ä\n")


def test_memory_stays_small(jsii_cache: Path, tmp_path: Path) -> None:
    """The definitions of all types are 26 MB for google alone; hashing the packages took as much."""
    script, report = tmp_path / "report.cjs", tmp_path / "report.json"
    script.write_text(
        "const alloc = Buffer.alloc; let pieces = 0;"
        "Buffer.alloc = (size, ...rest) => { if (size === 16384) pieces += 1; return alloc(size, ...rest); };"
        f"process.on('exit', () => require('fs').writeFileSync({json.dumps(str(report))},"
        "JSON.stringify([pieces, process.memoryUsage().arrayBuffers])));"
    )
    environment = child_environment(JSII_RUNTIME_PACKAGE_CACHE_ROOT=str(jsii_cache), NODE_OPTIONS=f'--require "{script}"')
    subprocess.run([sys.executable, str(SAMPLE_APP)], cwd=app_directory(tmp_path / "app"), env=environment, check=True)
    pieces, buffers = json.loads(report.read_text())
    assert pieces < 100
    assert buffers < 20_000_000


def test_whole_definitions_can_still_be_read(tmp_path: Path) -> None:
    """What another jsii would do with the file."""
    hooks = Path(str(resources.files("gitpod_pov.bindings") / "kernel_hooks.js"))
    file = tmp_path / ".jsii.runtime-defs.v1.jsonl"
    file.write_text('{"a": "ä"}\n{"b": 1}\n', encoding="utf-8")
    code = """
        require(process.argv[1]);
        const fs = require('fs'), file = fs.readFileSync(process.argv[2]);
        console.log(JSON.stringify([
          file.toString('utf-8', 0, 11), file.toString('utf-8', 12, 21), file.toString(), file.toString('utf-8', 12), file.length,
          file.subarray(0, 4).toString(), fs.readFileSync(process.argv[2], 'utf8'), Buffer.concat([file.slice(0, 4)]).toString(),
        ]));
    """
    command = [str(NODE), "-e", code, str(hooks), str(file)]
    done = subprocess.run(command, env=child_environment(), capture_output=True, text=True, check=True)
    text = file.read_text(encoding="utf-8")
    expected: list[Any] = ['{"a": "ä"}', '{"b": 1}\n', text, '{"b": 1}\n', len(text.encode()), '{"a"', text, '{"a"']
    assert json.loads(done.stdout) == expected


def test_the_kernel_has_the_function_that_is_replaced() -> None:
    """Else packages are hashed as before: correct, with 25 MB more memory."""
    program = (resources.files("jsii") / "_embedded" / "jsii" / "lib__program.js").read_text("utf-8")
    script = (resources.files("gitpod_pov.bindings") / "kernel_start.js").read_text("utf-8")
    (pattern,) = re.findall(r"^const DIGEST = /(.*)/;$", script, re.MULTILINE)
    assert len(re.findall(pattern, program)) == 1
