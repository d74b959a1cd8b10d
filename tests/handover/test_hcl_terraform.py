"""HCL under real Terraform, beside the JSON that it was made from: formatted as `terraform fmt` does, and with the same meaning."""

import json
import os
import subprocess
import tempfile
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from deployment.parameters import ParameterKey
from handover import hcl as hcl_module
from handover.folder import files_of
from handover.hcl import Forms, hcl
from handover.hcl_expressions import HclError
from rehearsal.stand_in import StandIns
from rehearsal.workspace import Workspace
from tests.app import deployment, synthesize
from tests.stacks.test_inputs import KEY

pytestmark = pytest.mark.terraform

# Each example runs Terraform several times, so a failing one is not made smaller.
JUDGED = settings(deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate], suppress_health_check=[HealthCheck.too_slow])

LITERALS = st.text() | st.lists(
    st.sampled_from(
        [*'$%{}~"\\\n\r\t a#é🚀\u200d\ufeff\x00\x85\u2028', "\r\n", "b\n", "  c\n", "EOT\n", "e\u0301", "//", "/*", "var.x", "for"]
    ),
    max_size=8,
).map("".join)
# Terraform compares keys in normal form, and drops a byte order mark before a template.
KEYS = LITERALS.map(lambda key: unicodedata.normalize("NFC", key).removeprefix("\ufeff"))
SEQUENCES = st.sampled_from(
    [
        "${local.x}",
        "${ local.x }",
        "${~local.x}",
        "${local.x ~}",
        '${"}"}',
        '${"${local.x}"}',
        "${{a=1}.a}",
        "${local.t?1:-2}",
        "${i}",
        "${",
    ]
) | st.sampled_from(
    ["%{if local.t}", "%{ else ~}", "%{endif}", "%{ for i in [1,2] ~}", "%{~ endfor }", "%{", "}", "$${", "%%{"],
)


def escaped(text: str) -> str:
    return text.replace("${", "$${").replace("%{", "%%{")


VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | LITERALS.map(escaped),
    lambda inner: st.lists(inner) | st.dictionaries(KEYS.map(escaped), inner),
    max_leaves=12,
)


@st.composite
def expressions(draw: st.DrawFn, depth: int = 3) -> str:
    """Draw an expression that is a number, with white space and comments where they may stand."""

    def number() -> str:
        return draw(expressions(depth=depth - 1))

    def condition() -> str:
        return draw(st.sampled_from(["local.t", "!local.t", f"{number()}<{number()}", f"( {number()}=={number()}||local.t&&true )"]))

    space = draw(st.sampled_from(["", " ", "   ", "\t"]))
    line = draw(st.sampled_from(["", " ", "\n", " # why\n", " /* why */ "]))
    separator = draw(st.sampled_from([", ", "\n", " ,\n\n"]))
    if depth == 0:
        return draw(st.sampled_from(["1", "0.5", "1e3", "-2", "- 3", 'length("a${local.x}")', "local.n", "[4][0]", "max([5]...)"]))
    kinds: list[Callable[[], str]] = [
        lambda: f"({line}{number()}{space}+{line}{number()}{line})",
        lambda: f"-{space}( {number()} )",
        lambda: f"({condition()}{line}?{space}{number()}{line}:{number()})",
        lambda: f"max({line}{number()},{line}{number()}{line})",
        lambda: f"length([{line}for v in [{number()},{line}{number()},]{line}: v if v{space}>{space}1{line}])",
        lambda: f'{{{line}a={number()}{separator}"b c" ={space}{number()}{line}}}.a',
        lambda: f'{{{line}for k,v in {{a:{number()}}} :{line}k=>v...}}["a"][ 0 ]',
        lambda: f"length([{{a={number()}}},{{a={number()}}}][*].a)",
        lambda: f"[{number()}].0",
        lambda: f'length("{{a}} \\" ${{{number()}}}%{{if {condition()}}}x%{{endif}}")',
    ]
    return draw(st.sampled_from(kinds))()


def terraform(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "CHECKPOINT_DISABLE": "1"}
    return subprocess.run(
        ["terraform", *arguments, "-no-color"], cwd=directory, env=environment, capture_output=True, text=True, check=False
    )


def evaluated(name: str, content: str) -> Any:
    """Return the outputs of a configuration with their types, or None where Terraform refuses it."""
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / name).write_text(content)
        if terraform(Path(directory), "apply", "-auto-approve").returncode:
            return None
        return json.loads(terraform(Path(directory), "output", "-json").stdout)


def differences_from_terraform_fmt(content: str) -> str:
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "main.tf").write_text(content)
        result = terraform(Path(directory), "fmt", "-check", "-diff")
        return result.stdout + result.stderr


def means_the_same_and_is_formatted(content: dict[str, Any]) -> None:
    text = hcl(content, Forms.of([content]))
    assert differences_from_terraform_fmt(text) == ""
    result = evaluated("main.tf", text)
    assert result is not None
    assert result == evaluated("main.tf.json", json.dumps(content))


def with_outputs(**values: Any) -> dict[str, Any]:
    return {"locals": {"n": 7, "t": True, "x": "y"}, "output": {name: {"value": one} for name, one in values.items()}}


class TestMeaning:
    @settings(JUDGED, max_examples=15)
    @given(st.lists(VALUES, max_size=12))
    def test_values_keep_their_meaning(self, values: list[Any]) -> None:
        content = with_outputs(all=values)
        content["locals"] |= {f"value_{index}": one for index, one in enumerate(values)}
        means_the_same_and_is_formatted(content)

    def test_text_of_several_lines_keeps_its_meaning(self) -> None:
        script = '#!/bin/sh\n\nfor x in $${all}; do\n\techo "${local.x}" \\\n    c:\\n\n  \ndone\n'
        means_the_same_and_is_formatted(with_outputs(a=script, b=[script, script, 1], c={"d": 1, "script": script, "e": 2}))

    @settings(JUDGED, max_examples=30)
    @given(st.lists(LITERALS | SEQUENCES, max_size=6).map("".join))
    def test_templates_keep_their_meaning_or_are_refused(self, template: str) -> None:
        content = with_outputs(one=template)
        expected = evaluated("main.tf.json", json.dumps(content))
        try:
            text = hcl(content, Forms.of([]))
        except HclError:
            assert expected is None
            return
        assert evaluated("main.tf", text) == expected
        if expected is not None:
            assert differences_from_terraform_fmt(text) == ""

    @pytest.mark.parametrize("width", [20, 40, 120])
    @settings(JUDGED, max_examples=10)
    @given(drawn=st.lists(expressions(), min_size=1, max_size=6))
    def test_expressions_keep_their_meaning_on_several_lines(self, width: int, drawn: list[str]) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(hcl_module, "WIDTH", width)
            means_the_same_and_is_formatted(with_outputs(**{f"v{index}": f"${{{one}}}" for index, one in enumerate(drawn)}))

    @settings(JUDGED, max_examples=8)
    @given(st.dictionaries(KEYS, LITERALS), LITERALS)
    def test_default_of_a_variable_is_no_template(self, default: dict[str, str], description: str) -> None:
        default = {**default, "x": "${local.x} %{if"}
        means_the_same_and_is_formatted(
            {
                "variable": {"v": {"type": "map(string)", "default": default, "description": description}},
                "output": {"v": {"value": "${var.v}", "description": description}},
            }
        )

    def test_meta_arguments_keep_their_meaning(self) -> None:
        """With the one resource that Terraform itself provides."""
        condition = {"condition": "${self.input != null}", "error_message": "no '${self.id}'"}
        means_the_same_and_is_formatted(
            {
                "resource": {
                    "terraform_data": {
                        "first": {
                            "count": 2,
                            "input": {"a-b": [1, {"c": None}], "d": "${count.index}"},
                            "depends_on": ["terraform_data.last"],
                        },
                        "last": {
                            "for_each": {"a": 1},
                            "input": "${each.value}",
                            "lifecycle": {"postcondition": [condition, condition], "create_before_destroy": True, "ignore_changes": "all"},
                        },
                        "second": {
                            "input": ["x"],
                            "lifecycle": {
                                "ignore_changes": ["input[0]", "triggers_replace"],
                                "replace_triggered_by": ["terraform_data.first[0].id", 'terraform_data.last["a"]'],
                                "precondition": {"condition": "${length(terraform_data.first) == 2}", "error_message": "not two"},
                            },
                        },
                    }
                },
                "moved": [{"from": "terraform_data.old", "to": "terraform_data.second"}],
                "output": {
                    "all": {
                        "value": ["${terraform_data.first[*].input}", '${terraform_data.last["a"].input}', "${terraform_data.second.input}"]
                    }
                },
            }
            | {"variable": {"v": {"type": 'object({a=optional(list(string),["x"])})', "default": {}, "nullable": False}}}
        )


EXCLUSION = {"name": "trial", "start_time": "2027-01-01T00:00:00Z", "end_time": "2027-05-01T00:00:00Z"}
DEPLOYMENTS: dict[str, dict[str, Any]] = {
    "reference": {},
    "hardened": {"profile": "hardened"},
    "every input": {
        "profile": "hardened",
        "zones": ["us-central1-a", "us-central1-b"],
        "admins": {"members": ["user:alice@example.com", "group:platform@example.com"]},
        "cluster": {
            "secrets_kms_key": KEY,
            "boot_disk_kms_key": KEY,
            "rbac_security_group": "gke-security-groups@example.com",
            "resource_labels": {"team": "platform", "cost-center": "42"},
            "maintenance_window": {"start_time": "2027-01-02T03:00:00Z", "end_time": "2027-01-02T09:00:00Z"},
            "maintenance_exclusions": [EXCLUSION],
            "authorized_networks": {"office": "203.0.113.0/24", "Büro": "198.51.100.0/24"},
        },
        "network": {"network": "gitpod", "create_network": True},
        "node_pool": {"confidential_nodes": True, "spot": True, "taints": [{"key": "trial"}], "labels": {"example.com/team": "a"}},
        "backend": {"type": "gcs", "bucket": "states", "prefix": "trial"},
    },
}


class Root(Workspace):
    """Terraform in a folder, which is taken as it is."""

    def synthesize(self, stack: Path) -> None:
        assert stack == self.directory

    def everything_planned(self) -> dict[str, Any]:
        """Return the plan, and the configuration as it names it: constants, references and nesting of every expression."""
        plan = json.loads(self.run("show", "-json", str(self.plan().file)), object_hook=without_misread_constant)
        return {
            key: plan[key]
            for key in ("planned_values", "resource_changes", "output_changes", "prior_state", "configuration")
            if key in plan
        }


def without_misread_constant(one: dict[str, Any]) -> dict[str, Any]:
    """In JSON syntax Terraform describes an expression with references as the constant text, too."""
    return {key: value for key, value in one.items() if key != "constant_value"} if "references" in one else one


def without_backend(content: dict[str, Any]) -> dict[str, Any]:
    settings = {key: value for key, value in content.get("terraform", {}).items() if key not in ("backend", "cloud")}
    return {**content, "terraform": settings}


class TestPlans:
    def roots(self, stand_ins: StandIns, directory: Path, files: dict[str, dict[str, Any]]) -> tuple[Root, Root]:
        """Write the same files in both forms; return the root of each."""
        forms = Forms.of(files.values())
        for path, content in files.items():
            for form, name, text in (("json", path, json.dumps(content)), ("hcl", path.removesuffix(".json"), hcl(content, forms))):
                file = directory / form / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
        assert terraform(directory, "fmt", "-check", "-diff", "-recursive").stdout == ""
        folder = next(path for path in files if not path.startswith("modules/")).rpartition("/")[0]
        both = tuple(Root(stand_ins, directory / form / folder, directory / form / folder) for form in ("json", "hcl"))
        for root in both:
            root.init()
            assert root.validate() == []
        return both[0], both[1]

    @pytest.mark.parametrize("name", DEPLOYMENTS)
    def test_plans_of_the_stacks_are_the_same(self, stand_ins: StandIns, tmp_path: Path, name: str) -> None:
        synthesized = synthesize({"pov": deployment(**DEPLOYMENTS[name])}, tmp_path / "cdktf.out")
        for stack in ("pov-cluster", "pov-rbac"):
            content = without_backend(synthesized.stack(stack))
            of_json, of_hcl = self.roots(stand_ins, tmp_path / stack, {"main.tf.json": content})
            assert of_hcl.everything_planned() == of_json.everything_planned()
            of_hcl.apply()
            assert of_hcl.plan().empty

    @pytest.mark.parametrize("folder", ["1-cluster", "example"])
    def test_plans_of_a_hand_over_with_every_variable_are_the_same(self, stand_ins: StandIns, tmp_path: Path, folder: str) -> None:
        files = files_of("pov", deployment(handover={"parameters": get_args(ParameterKey)}), "json")
        wanted = {
            path: without_backend(json.loads(content))
            for path, content in files.items()
            if path.endswith(".tf.json") and path.startswith((f"{folder}/", *(("modules/",) if folder == "example" else ())))
        }
        of_json, of_hcl = self.roots(stand_ins, tmp_path, wanted)
        assert of_hcl.everything_planned() == of_json.everything_planned()


def test_a_stack_is_written_in_less_than_two_seconds(tmp_path: Path) -> None:
    content = synthesize({"pov": deployment(profile="hardened")}, tmp_path).stack("pov-cluster")
    start = time.process_time()
    hcl(content, Forms.of([content]))
    assert time.process_time() - start < 2
