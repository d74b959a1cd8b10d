"""The files of a hand-over in JSON, and the command. The files in HCL are in test_hcl_folder.py."""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, get_args

import pytest

from deployment.parameters import ADMINS, MARKS, NETWORKS, SUBNETWORK, WINDOW, ParameterKey
from deployment.reading import load_deployments
from handover import example as handover_example
from handover import stacks as handover_stacks
from handover.__main__ import hand_over
from handover.folder import KEPT, MANIFEST, files_of, write
from handover.picture import picture
from handover.stacks import Format, HandoverError, fill, stacks_of
from handover.variables import variable
from stacks.registry import synthesize
from tests.app import ROOT, Synthesized, deployment
from tests.existing import NETWORK

ALL_KEYS: tuple[ParameterKey, ...] = get_args(ParameterKey)
HARD = {
    "project": "my-gitpod-pov",
    "acknowledged_risks": ["public-control-plane"],
    "network": {"network": "own", "create_network": True},
    "backend": {"type": "gcs", "bucket": "states", "prefix": "trial"},
    "admins": {"members": ["user:alice@example.com"]},
}


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return files_of("pov", load_deployments(ROOT / "deployments")["pov"], "json")


def parsed(files: dict[str, bytes], path: str) -> Any:
    return json.loads(files[path])


def strings(content: Any) -> Iterator[Any]:
    if isinstance(content, dict | list):
        for one in content.values() if isinstance(content, dict) else content:
            yield from strings(one)
    else:
        yield content


class TestFolder:
    def test_holds_roots_modules_and_an_example(self, files: dict[str, bytes]) -> None:
        root = {"main.tf.json", "outputs.tf.json", "terraform.tf.json", "terraform.tfvars.example", "variables.tf.json"}
        module = root - {"terraform.tfvars.example"}
        assert set(files) == {
            "README.md",
            MANIFEST,
            "picture.svg",
            *(f"{folder}/{name}" for folder in ("1-cluster", "2-rbac") for name in root),
            *(f"modules/{folder}/{name}" for folder in ("cluster", "rbac") for name in module),
            *(f"example/{name}" for name in ("main.tf.json", "outputs.tf.json", "terraform.tf.json")),
        }

    @pytest.mark.parametrize("sections", [{}, HARD, {"handover": {"parameters": []}}], ids=["plain", "everything else", "no parameter"])
    def test_names_no_tool(self, sections: dict[str, Any]) -> None:
        for path, content in files_of("pov", deployment(**sections), "json").items():
            assert not re.search(r"python|cdk|jsii|toml|TfToken|metadata\.path|\bmake\b|marked", content.decode(), re.IGNORECASE), path
            assert not re.search(r'["\s(]/(home|root|tmp|usr|work)\b', content.decode()), path
            assert '"//"' not in content.decode(), path

    def test_the_manifest_covers_every_other_file(self, files: dict[str, bytes]) -> None:
        sums = {path: total for total, path in (line.split("  ") for line in files[MANIFEST].decode().splitlines())}
        assert sums == {path: hashlib.sha256(content).hexdigest() for path, content in files.items() if path != MANIFEST}

    def test_every_stack_writes_version_and_sources_in_full(self, files: dict[str, bytes]) -> None:
        for folder, exact in (
            ("1-cluster", True),
            ("2-rbac", True),
            ("modules/cluster", False),
            ("modules/rbac", False),
            ("example", True),
        ):
            terraform = parsed(files, f"{folder}/terraform.tf.json")["terraform"]
            assert terraform["required_version"] == ">= 1.6.0"
            for name, provider in terraform["required_providers"].items():
                assert provider["source"] == f"hashicorp/{name}"
                assert re.fullmatch(r"[\d.]+" if exact else r">= [\d.]+, < \d+\.0\.0", provider["version"])

    @pytest.mark.parametrize(
        ("sections", "expected"),
        [
            ({}, ">= 7.38.0, < 8.0.0"),
            ({"providers": {"google": "7.30.0"}}, ">= 7.12.0, < 8.0.0"),
            ({"providers": {"google": "8.7.0"}}, ">= 7.38.0, < 9.0.0"),
            ({"providers": {"google": "6.50.0"}, "cluster": {"maintenance_exclusions": []}}, ">= 6.50.0, < 7.0.0"),
        ],
    )
    def test_a_module_accepts_the_providers_that_have_what_it_uses(self, sections: dict[str, Any], expected: str) -> None:
        files = files_of("pov", deployment(**sections), "json")
        assert parsed(files, "modules/cluster/terraform.tf.json")["terraform"]["required_providers"]["google"]["version"] == expected

    def test_modules_configure_nothing(self, files: dict[str, bytes]) -> None:
        for module in ("cluster", "rbac"):
            contents = [parsed(files, path) for path in files if path.startswith(f"modules/{module}/")]
            assert not [content for content in contents if "provider" in content or "backend" in content.get("terraform", {})]
        assert "google_container_cluster" not in parsed(files, "modules/rbac/main.tf.json")["data"]

    def test_keeps_the_backend_of_the_deployment(self) -> None:
        files = files_of("pov", deployment(**HARD), "json")
        for folder, stack in (("1-cluster", "pov-cluster"), ("2-rbac", "pov-rbac")):
            assert parsed(files, f"{folder}/backend.tf.json") == {
                "terraform": {"backend": {"gcs": {"bucket": "states", "prefix": f"trial/{stack}"}}}
            }

    def test_the_readme_names_the_workspaces(self) -> None:
        files = files_of("pov", deployment(backend={"type": "cloud", "organization": "acme", "prefix": "team-a"}), "json")
        assert parsed(files, "1-cluster/backend.tf.json")["terraform"]["cloud"]["workspaces"] == {"name": "team-a-pov-cluster"}
        assert "in the workspaces `team-a-pov-cluster`, `team-a-pov-rbac`" in files["README.md"].decode()

    def test_the_frames_of_the_picture_are_the_folders(self, files: dict[str, bytes]) -> None:
        shipped = load_deployments(ROOT / "deployments")["pov"]
        sources = synthesize("pov", shipped.model_copy(update={"acknowledged_risks": ()}))
        frames = dict(zip(("Folder 1-cluster", "Folder 2-rbac"), sources, strict=True))
        assert files["picture.svg"].decode() == picture("pov", shipped, frames)

    def test_the_readme_lists_inputs_outputs_and_risks(self, files: dict[str, bytes]) -> None:
        readme = files["README.md"].decode()
        for folder in ("1-cluster", "2-rbac"):
            for section, path in (("variable", "variables"), ("output", "outputs")):
                for name in parsed(files, f"{folder}/{path}.tf.json")[section]:
                    assert f"| `{name}` |" in readme
        assert "| `public-control-plane` |" in readme

    def test_the_readme_lists_the_acknowledged_risks(self) -> None:
        readme = files_of("pov", deployment(**HARD), "json")["README.md"].decode()
        found = {
            line.split("`")[1]: line.split(" | ")[-1].removesuffix(" |")
            for line in readme.splitlines()
            if re.match(r"\| `[a-z-]+` \| .* \| (yes|no) \|", line)
        }
        assert found == {
            "node-account-is-cluster-admin": "no",
            "public-control-plane": "yes",
            "nodes-without-security-patches": "no",
            "node-in-every-zone": "no",
        }

    @pytest.mark.parametrize(
        ("members", "risks"),
        [
            ([], {"applying-account-becomes-admin"}),
            (["user:jane@example.com"], set()),
            (["user:Jane@example.com"], {"admin-email-has-capital-letters"}),
        ],
        ids=str,
    )
    def test_the_readme_lists_the_risks_of_the_administrators(self, members: list[str], risks: set[str]) -> None:
        readme = files_of("pov", deployment(admins={"members": members}), "json")["README.md"].decode()
        assert set(re.findall(r"\| `(appl[a-z-]+|admin-[a-z-]+)` \|", readme)) == risks


class TestOperations:
    """The commands themselves are run in test_terraform.py."""

    @staticmethod
    def section(sections: dict[str, Any]) -> str:
        readme = files_of("pov", deployment(**sections), "json")["README.md"].decode()
        return readme[readme.index("## When something fails") : readme.index("## As modules")]

    def test_of_the_reference(self) -> None:
        section = self.section({})
        assert "Apply again: that replaces the cluster." in section
        assert "force-unlock" not in section
        assert "untaint" not in section
        assert "is protected" not in section

    def test_of_a_protected_cluster_elsewhere(self) -> None:
        section = self.section(
            {"cluster": {"name": "trial", "deletion_protection": True}, "backend": {"type": "gcs", "bucket": "states", "prefix": "trial"}}
        )
        assert "terraform -chdir=1-cluster untaint google_container_cluster.cluster\nterraform -chdir=1-cluster apply\n" in section
        assert "delete default-pool --cluster trial --region us-central1 --project demo-project" in section
        assert "force-unlock LOCK_ID" in section
        assert "`google_container_cluster.cluster` is protected" in section


class TestExample:
    @pytest.mark.parametrize(
        ("cluster", "attribute"),
        [({}, "endpoint"), ({"dns_endpoint": True}, "control_plane_endpoints_config[0].dns_endpoint_config[0].endpoint")],
        ids=["by address", "by name"],
    )
    def test_connects_as_the_rbac_stack_does(self, cluster: dict[str, Any], attribute: str) -> None:
        files = files_of("pov", deployment(cluster=cluster), "json")
        (example,) = parsed(files, "example/terraform.tf.json")["provider"]["kubernetes"]
        (root,) = parsed(files, "2-rbac/terraform.tf.json")["provider"]["kubernetes"]
        assert example.keys() == root.keys()
        assert root["host"] == f"https://${{data.google_container_cluster.cluster.{attribute}}}"
        (output,) = re.findall(r"^https://\$\{module\.cluster\.(\w+)\}$", example["host"])
        outputs = parsed(files, "modules/cluster/outputs.tf.json")["output"]
        assert outputs[output]["value"] == f"${{google_container_cluster.cluster.{attribute}}}"
        assert outputs["endpoint"]["value"] == "${google_container_cluster.cluster.endpoint}"

    def test_no_two_attributes_share_an_output(self) -> None:
        """Not even those whose paths differ in an index alone."""
        cluster, _ = stacks_of("pov", deployment())
        paths = [".a[0].endpoint", ".a[1].endpoint", ".b[0].a[0].endpoint", ".a[0].endpoint", ".endpoint"]
        names = [handover_example._output(cluster, "google_container_cluster", path) for path in paths]
        assert names == ["a_endpoint", "a_1_endpoint", "b_a_endpoint", "a_endpoint", "endpoint"]


class TestParameters:
    def test_no_value_of_a_parameter_is_left_as_a_literal(self, files: dict[str, bytes]) -> None:
        for folder in ("1-cluster", "modules/cluster"):
            found = set(strings(parsed(files, f"{folder}/main.tf.json")))
            assert not found & {"my-gitpod-pov", "us-central1", "gitpod-gitpod", "10.4.0.0/14", "n2d-standard-16", 50}
            assert {
                "${var.project}",
                '${coalesce(var.network_subnetwork, "gitpod-${var.cluster_name}")}',
                "${var.node_pool_max_nodes}",
            } <= found

    def test_the_members_of_the_deployment_are_a_parameter_like_no_members(self, files: dict[str, bytes]) -> None:
        named = files_of("pov", deployment(admins={"members": ["user:alice@example.com"]}), "json")
        assert parsed(named, "2-rbac/main.tf.json")["resource"] == parsed(files, "2-rbac/main.tf.json")["resource"]
        assert parsed(named, "2-rbac/variables.tf.json")["variable"]["admins_members"]["default"] == ["user:alice@example.com"]

    def test_a_custom_role_of_the_project_is_unchanged(self) -> None:
        files = files_of("pov", deployment(identity={"roles": ["projects/demo-project/roles/nodes"]}), "json")
        (grant,) = parsed(files, "1-cluster/main.tf.json")["resource"]["google_project_iam_member"].values()
        assert (grant["project"], grant["role"]) == ("${var.project}", "projects/demo-project/roles/nodes")

    def test_without_parameters_the_output_is_the_synthesized_one(self, synthesized: Synthesized) -> None:
        pov = deployment(project="my-gitpod-pov", zones=["us-central1-a"], handover={"parameters": []})
        files = files_of("pov", pov, "json")
        assert not [path for path in files if "variables" in path]
        for folder, stack in (("1-cluster", "pov-cluster"), ("2-rbac", "pov-rbac")):
            content = parsed(files, f"{folder}/main.tf.json")
            for kind, named in synthesized.stack(stack)["resource"].items():
                for name in named:
                    assert content["resource"][kind][name] == synthesized.resource(stack, f"{kind}.{name}")

    @pytest.mark.parametrize("key", ALL_KEYS)
    def test_each_alone_is_the_only_variable(self, key: ParameterKey) -> None:
        stacks = stacks_of("pov", deployment(handover={"parameters": [key]}))
        assert {used for stack in stacks for used in stack.parameters} == {key}
        assert set(re.findall(r"\bvar\.(\w+)", json.dumps([stack.content for stack in stacks]))) == {key.replace(".", "_")}

    def test_every_key_has_a_mark_that_no_deployment_contains(self, synthesized: Synthesized) -> None:
        assert set(MARKS) == set(ALL_KEYS) - {ADMINS, NETWORKS, WINDOW}
        for stack in ("pov-cluster", "pov-rbac"):
            content = synthesized.stack(stack)
            assert fill(content, [handover_stacks.Replacement(mark, "found", "found") for mark in MARKS.values()]) == content

    @pytest.mark.parametrize(
        "pool",
        [
            {"machine_type": "c4-standard-8", "disk_type": "hyperdisk-balanced"},
            {"machine_type": "c3d-standard-8", "disk_type": "pd-balanced", "confidential_nodes": True},
            {"machine_type": "n2d-standard-8", "disk_type": "hyperdisk-balanced", "confidential_nodes": True},
            {"machine_type": "n2-custom-8-16384-ext", "disk_type": "pd-standard"},
            {"machine_type": "e2-small", "disk_type": "pd-ssd", "disk_size_gb": 3072},
            {"machine_type": "n7-standard-8", "disk_type": "titanium-ssd"},
        ],
        ids=lambda pool: pool["machine_type"],
    )
    def test_the_machine_type_is_a_variable_beside_every_disk(self, pool: dict[str, Any]) -> None:
        files = files_of("pov", deployment(node_pool=pool), "json")
        (node_pool,) = parsed(files, "1-cluster/main.tf.json")["resource"]["google_container_node_pool"].values()
        assert node_pool["node_config"]["machine_type"] == "${var.node_pool_machine_type}"
        assert node_pool["node_config"]["disk_type"] == pool["disk_type"]
        default = parsed(files, "1-cluster/variables.tf.json")["variable"]["node_pool_machine_type"]["default"]
        assert default == pool["machine_type"]
        assert not [path for path, content in files.items() if b"marked" in content]

    @pytest.mark.parametrize(("region", "zones"), [("us-east1", ["us-east1-d"]), ("us-west8", ["us-west8-a"]), ("europe-west1", [])])
    def test_region_and_zones_are_variables_for_every_location(self, region: str, zones: list[str]) -> None:
        files = files_of("pov", deployment(region=region, zones=zones), "json")
        variables = parsed(files, "1-cluster/variables.tf.json")["variable"]
        assert (variables["region"]["default"], variables["zones"]["default"]) == (region, zones)

    def test_a_variable_carries_type_default_and_description_of_its_field(self) -> None:
        assert variable(deployment(), "zones")["type"] == "list(string)"
        assert variable(deployment(), "node_pool.max_nodes")["type"] == "number"
        project = variable(deployment(), "project")
        assert (project["type"], project["default"], project["nullable"]) == ("string", "demo-project", False)
        assert project["description"] == "ID of an existing Google Cloud project with billing."
        assert all(variable(deployment(), key)["validation"] for key in ALL_KEYS)

    @pytest.mark.parametrize(
        ("key", "sections", "expected"),
        [
            ("zones", {}, "Zones of the nodes. An empty list means three zones of the region, which GKE chooses."),
            (
                WINDOW,
                {"cluster": {"maintenance_exclusions": []}},
                "Recurring hours in which GKE may start upgrades. Null means at any time.",
            ),
            (WINDOW, {}, "Recurring hours in which GKE may start upgrades."),
            (SUBNETWORK, {}, "Name of the subnetwork. Null means `gitpod-CLUSTER`."),
            (SUBNETWORK, {"network": {"subnetwork": "nodes"}}, "Name of the subnetwork."),
        ],
        ids=str,
    )
    def test_a_description_says_what_an_omitted_value_means_and_not_the_default_of_the_input(
        self, key: ParameterKey, sections: dict[str, Any], expected: str
    ) -> None:
        assert variable(deployment(**sections), key)["description"] == expected

    def test_a_description_says_what_null_does_later(self) -> None:
        description = variable(deployment(), NETWORKS)["description"]
        assert description.endswith("Null means all networks. If you set it to null later, the cluster keeps the last value.")

    @pytest.mark.parametrize("key", ALL_KEYS)
    def test_no_description_speaks_of_a_deployment_file(self, key: ParameterKey) -> None:
        description = variable(deployment(), key)["description"]
        assert not re.search(r"Default:|Required if|removed|docs/|[a-z]\.[a-z]", description)

    def test_a_value_that_does_not_reach_the_output_is_an_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As when a construct decides by a value: here one that is cut to its first characters."""

        def cut(name: str, one: Any) -> Any:
            cluster, *others = synthesize(name, one)
            cluster.content["output"]["project"]["value"] = one.project[:8]
            return [cluster, *others]

        monkeypatch.setattr(handover_stacks, "synthesize", cut)
        with pytest.raises(HandoverError, match=r"pov-cluster\.output\.project\.value: cannot become a variable"):
            stacks_of("pov", deployment())

    def test_a_rule_that_refuses_the_marks_is_reported(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(handover_stacks, "MARKS", {**MARKS, "network.pods_cidr": "64.0.0.0/9"})
        with pytest.raises(
            HandoverError, match=r"a rule refuses the placeholder values with which .*: network\.pods_cidr: '64\.0\.0\.0/9' overlaps"
        ):
            stacks_of("pov", deployment())


class TestCommand:
    def test_writes_the_same_bytes_twice_and_keeps_other_files(self, tmp_path: Path) -> None:
        folder = tmp_path / "pov"
        assert hand_over("pov", folder) == 0
        first = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        (folder / "1-cluster" / "terraform.tfstate").write_text("{}")
        (folder / "old.tf").write_text("{}")
        with (folder / MANIFEST).open("a") as manifest:
            manifest.write(f"{hashlib.sha256(b'{}').hexdigest()}  old.tf\n{'0' * 64}  ../outside.txt\n")
        (tmp_path / "outside.txt").write_text("kept")
        result = subprocess.run(
            [sys.executable, "-m", "handover", "pov", str(folder)],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (result.returncode, result.stderr.splitlines()[1:]) == (0, [f"write {folder}"])
        assert {line.removesuffix(" (kept)") for line in result.stdout.splitlines()} == {str(path) for path in first}
        assert [line for line in result.stdout.splitlines() if line.endswith(" (kept)")] == [
            f"{folder}/{root}/terraform.tfvars (kept)" for root in ("1-cluster", "2-rbac")
        ]
        assert (tmp_path / "outside.txt").read_text() == "kept"
        after = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        assert after.pop(folder / "1-cluster" / "terraform.tfstate") == b"{}"
        assert after == first

    @pytest.mark.parametrize(
        ("variables", "options"), [([], '--format "hcl"'), (["FORMAT=json", "FORCE=1"], '--format "json" --force')], ids=["default", "all"]
    )
    def test_make_passes_format_and_force(self, variables: list[str], options: str) -> None:
        printed = subprocess.run(
            ["make", "--no-print-directory", "-n", "handover", *variables], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout
        assert printed.splitlines()[-1].rstrip().endswith(f'-m handover "$DEPLOYMENT" "handover.out/pov" {options}')

    def test_does_not_change_a_folder_with_other_files(self, tmp_path: Path) -> None:
        (tmp_path / "mine.txt").write_text("mine")
        with pytest.raises(HandoverError, match="is not empty and does not contain a hand-over: choose another folder with TO=DIR"):
            write({"a": b""}, tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]

    @pytest.mark.parametrize(
        "manifest", ["", "not a checksum\n", f"{'0' * 64}  other.txt\n"], ids=["empty", "no checksums", "of something else"]
    )
    def test_does_not_change_a_folder_with_another_manifest(self, tmp_path: Path, manifest: str) -> None:
        (tmp_path / MANIFEST).write_text(manifest)
        with pytest.raises(HandoverError, match="does not contain a hand-over"):
            write({"README.md": b""}, tmp_path)

    def test_an_unknown_deployment_is_reported_in_one_line(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert hand_over("prod", tmp_path / "prod") == 2
        assert capsys.readouterr().err == "there is no deployment 'prod'; known: pov\n"
        assert not (tmp_path / "prod").exists()


class TestEdits:
    """What a second hand-over does with files that the team has edited."""

    FIRST: ClassVar = {
        "README.md": b"1",
        "1-cluster/main.tf": b"1",
        "1-cluster/old.tf": b"1",
        "1-cluster/terraform.tfvars": b"1",
        MANIFEST: b"",
    }

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        self.write(tmp_path, self.FIRST)
        return tmp_path

    @staticmethod
    def write(folder: Path, files: dict[str, bytes], *, force: bool = False) -> None:
        sums = "".join(
            f"{hashlib.sha256(content).hexdigest()}  {path}\n"
            for path, content in files.items()
            if path != MANIFEST and not path.endswith(KEPT)
        )
        write({**files, MANIFEST: sums.encode()}, folder, force=force)

    @staticmethod
    def content(folder: Path) -> dict[str, str]:
        return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST}

    def test_all_edited_files_are_named_and_nothing_is_written(self, folder: Path) -> None:
        for path in ("1-cluster/main.tf", "1-cluster/old.tf", "1-cluster/new.tf", "notes.txt"):
            (folder / path).write_text("edited")
        before = self.content(folder)
        second = {"README.md": b"2", "1-cluster/main.tf": b"2", "1-cluster/new.tf": b"2"}
        with pytest.raises(HandoverError) as refused:
            self.write(folder, second)
        assert str(refused.value).splitlines() == [
            f"{folder / '1-cluster' / path}: was edited after the last hand-over, and this one changes it: move the edit to your own "
            "file, or overwrite it with FORCE=1"
            for path in ("main.tf", "new.tf", "old.tf")
        ]
        assert self.content(folder) == before

        self.write(folder, second, force=True)
        assert self.content(folder) == {
            "README.md": "2",
            "1-cluster/main.tf": "2",
            "1-cluster/new.tf": "2",
            "1-cluster/terraform.tfvars": "1",
            "notes.txt": "edited",
        }

    def test_an_edit_is_kept_even_if_the_deployment_has_not_changed(self, folder: Path) -> None:
        (folder / "1-cluster/main.tf").write_text("edited")
        with pytest.raises(HandoverError, match=r"main\.tf: was edited"):
            self.write(folder, self.FIRST)

    def test_an_edit_that_the_new_hand_over_also_makes_is_no_conflict(self, folder: Path) -> None:
        (folder / "1-cluster/main.tf").write_text("2")
        self.write(folder, {**self.FIRST, "1-cluster/main.tf": b"2"})
        assert self.content(folder)["1-cluster/main.tf"] == "2"

    def test_a_deleted_file_is_written_again(self, folder: Path) -> None:
        (folder / "1-cluster/main.tf").unlink()
        self.write(folder, self.FIRST)
        assert self.content(folder)["1-cluster/main.tf"] == "1"

    @pytest.mark.parametrize("force", [False, True])
    @pytest.mark.parametrize("name", ["terraform.tfvars", "backend.tf"])
    def test_values_and_backend_are_never_replaced(self, folder: Path, name: str, *, force: bool) -> None:
        self.write(folder, {**self.FIRST, f"1-cluster/{name}": b"1"})
        (folder / "1-cluster" / name).write_text("edited")
        self.write(folder, {**self.FIRST, f"1-cluster/{name}": b"2"}, force=force)
        assert self.content(folder)[f"1-cluster/{name}"] == "edited"
        self.write(folder, {path: content for path, content in self.FIRST.items() if not path.endswith(name)}, force=force)
        assert self.content(folder)[f"1-cluster/{name}"] == "edited"

    @pytest.mark.parametrize("force", [False, True])
    @pytest.mark.parametrize(("first", "second"), [("hcl", "json"), ("json", "hcl")])
    def test_the_other_format_is_refused(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], first: Format, second: Format, *, force: bool
    ) -> None:
        assert hand_over("pov", tmp_path / "pov", form=first) == 0
        before = self.content(tmp_path)
        assert hand_over("pov", tmp_path / "pov", form=second, force=force) == 2
        assert capsys.readouterr().err.endswith(
            f"\n{tmp_path / 'pov'}: contains a hand-over in {first.upper()}: use FORMAT={first}, or choose another folder with TO=DIR\n"
        )
        assert self.content(tmp_path) == before

    def test_the_command_ends_with_2_and_has_an_option_to_overwrite(self, tmp_path: Path) -> None:
        folder = tmp_path / "pov"
        command = [sys.executable, "-m", "handover", "pov", str(folder)]
        assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 0
        main = folder / "1-cluster" / "main.tf"
        written = main.read_text()
        main.write_text(f"{written}# ours\n")
        refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert f"\n{main}: was edited after the last hand-over" in refused.stderr
        assert main.read_text().endswith("# ours\n")
        assert subprocess.run([*command, "--force"], cwd=ROOT, capture_output=True, check=False).returncode == 0
        assert main.read_text() == written


def files_of_manifest(folder: Path) -> list[str]:
    return [line.split("  ")[1] for line in (folder / MANIFEST).read_text().splitlines()] + [MANIFEST]


@pytest.fixture(scope="module")
def with_pools() -> dict[str, bytes]:
    pools = {"spot": {"spot": True, "workloads": ["ide"], "max_total_nodes": 9}, "other": {"max_nodes": 2}}
    return files_of("pov", deployment(zones=["us-central1-a"], pools=pools), "json")


class TestAdditionalPools:
    def pools(self, files: dict[str, bytes]) -> dict[str, Any]:
        found: dict[str, Any] = parsed(files, "1-cluster/main.tf.json")["resource"]["google_container_node_pool"]
        return found

    def test_variables_reach_only_the_main_pool(self, with_pools: dict[str, bytes]) -> None:
        pools = self.pools(with_pools)
        assert {name: pool["node_config"]["machine_type"] for name, pool in pools.items()} == {
            "node_pool": "${var.node_pool_machine_type}",
            "node_pool_spot": "n2d-standard-16",
            "node_pool_other": "n2d-standard-16",
        }
        assert all("var.zones" in pool["node_locations"] for pool in pools.values())

    def test_the_main_pool_has_the_conditions_on_all_pools(self, with_pools: dict[str, bytes]) -> None:
        pools = self.pools(with_pools)
        assert "precondition" not in pools["node_pool_spot"]["lifecycle"]
        conditions = " ".join(condition["condition"] for condition in pools["node_pool"]["lifecycle"]["precondition"])
        zones = "(length(var.zones) == 0 ? 3 : length(var.zones))"
        assert f"1 * {zones} <= 9" in conditions
        assert f">= var.node_pool_max_nodes * {zones} * 256 + 9 * 256 + 2 * {zones} * 256" in conditions
        assert f">= var.node_pool_max_nodes * {zones} + 9 + 2 * {zones}" in conditions

    def test_the_readme_lists_each_pool(self, with_pools: dict[str, bytes]) -> None:
        readme = with_pools["README.md"].decode()
        assert "the autoscaled pools `gitpod`, `spot` and `other` of Ubuntu nodes" in readme
        assert "In 1 zone the pool `spot` starts with 1 node and scales from 0 to 9." in readme
        assert "--node-pool gitpod\n" in readme
        assert "--node-pool spot\n" in readme
        assert "import google_container_node_pool.node_pool_spot demo-project/us-central1/gitpod/spot\n" in readme

    def test_limits_for_the_whole_region_leave_no_counts_per_zone(self) -> None:
        files = files_of("pov", deployment(node_pool={"max_total_nodes": 9}), "json")
        assert not {name for name in parsed(files, "1-cluster/variables.tf.json")["variable"] if name.endswith("_nodes")}

    def test_a_condition_on_literal_values_alone_is_left_out(self) -> None:
        """Terraform refuses a condition that refers to nothing."""
        files = files_of("pov", deployment(node_pool={"max_total_nodes": 9}, handover={"parameters": ["zones"]}), "json")
        conditions = [one["condition"] for one in self.pools(files)["node_pool"]["lifecycle"]["precondition"]]
        assert conditions == ["${1 * (length(var.zones) == 0 ? 3 : length(var.zones)) <= 9}"]

    @pytest.mark.parametrize(("google", "oldest"), [("7.29.0", "7.18.0"), ("7.45.0", "7.38.0"), ("7.12.0", "7.12.0")])
    def test_modules_exclude_versions_that_cannot_create_a_blue_green_pool(self, google: str, oldest: str) -> None:
        files = files_of(
            "pov", deployment(providers={"google": google}, pools={"a": {"upgrade_settings": {"strategy": "BLUE_GREEN"}}}), "json"
        )
        required = parsed(files, "modules/cluster/terraform.tf.json")["terraform"]["required_providers"]
        assert required["google"]["version"] == f">= {oldest}, < 8.0.0"


@pytest.mark.parametrize("grant_roles", [None, True], ids=str)
def test_with_an_existing_service_account(*, grant_roles: bool | None) -> None:
    email = "nodes@platform-project.iam.gserviceaccount.com"
    identity = {"email": email} if grant_roles is None else {"email": email, "grant_roles": grant_roles}
    cluster, *_ = stacks_of("pov", deployment(identity=identity, handover={"parameters": ALL_KEYS}))
    assert "identity.account_id" not in cluster.parameters
    assert "google_service_account" not in cluster.content["resource"]
    assert cluster.content["output"]["node_service_account_email"]["value"] == email
    grants = cluster.content["resource"].get("google_project_iam_member", {})
    assert {grant["project"] for grant in grants.values()} == (set() if grant_roles is None else {"${var.project}"})


@pytest.mark.parametrize("members", [[], ["user:alice@example.com"]], ids=len)
def test_with_additional_bindings_only_the_administrators_are_a_variable(members: list[str]) -> None:
    observers = {"role": "view", "members": ["user:carol@example.com"]}
    bindings = {"observers": observers, "readers": {**observers, "namespace": "gitpod"}}
    rbac = next(stack for stack in stacks_of("pov", deployment(admins={"members": members, "bindings": bindings})) if stack.name == "rbac")
    resources = rbac.content["resource"]
    assert "dynamic" in resources["kubernetes_cluster_role_binding_v1"]["admins"]
    for kind, name in (("kubernetes_cluster_role_binding_v1", "observers"), ("kubernetes_role_binding_v1", "readers")):
        assert [subject["name"] for subject in resources[kind][f"admins_bindings_{name}"]["subject"]] == ["carol@example.com"]


def test_readme_lists_additional_roles_and_missing_grants_of_the_nodes() -> None:
    observers = {"role": "view", "members": ["user:carol@example.com"], "namespace": "gitpod"}
    text = files_of("pov", deployment(admins={"bindings": {"observers": observers}}), "json")["README.md"].decode()
    assert "the binding `observers` grants the ClusterRole `view` in the namespace `gitpod` to" in text
    assert "the node service account has `roles/container.admin`" in text
    existing = {"identity": {"email": "nodes@platform-project.iam.gserviceaccount.com"}}
    assert (
        "the node service account has `roles/container.admin`" not in files_of("pov", deployment(**existing), "json")["README.md"].decode()
    )


@pytest.mark.parametrize(("policy", "line"), [("calico", "Network policy: Calico"), ("dataplane-v2", "Network policy: Dataplane V2")])
def test_the_picture_says_what_enforces_network_policies(policy: str, line: str) -> None:
    assert f">{line}<" in files_of("pov", deployment(cluster={"network_policy": policy}), "json")["picture.svg"].decode()


class TestNamesForTheReader:
    """Who takes a hand-over over has variables, and neither a deployment file nor this repository's documents."""

    def messages(self, content: Any) -> Iterator[str]:
        if isinstance(content, dict):
            yield from ([content["error_message"]] if "error_message" in content else [])
        if isinstance(content, dict | list):
            for one in content.values() if isinstance(content, dict) else content:
                yield from self.messages(one)

    def test_a_message_names_a_variable_and_not_its_input(self) -> None:
        files = files_of("pov", deployment(network=NETWORK), "json")
        found = [*self.messages(parsed(files, "modules/cluster/main.tf.json"))]
        assert any("set network_network to the network of the subnetwork" in message for message in found)
        assert any("or lower node_pool_max_nodes" in message for message in found)
        named = re.findall(r"(?<![\w.])(?:" + "|".join(re.escape(key) for key in ALL_KEYS if "." in key) + r")\b", "\n".join(found))
        assert named == []

    def test_a_message_keeps_the_key_of_an_input_that_is_no_variable(self) -> None:
        files = files_of("pov", deployment(network=NETWORK, handover={"parameters": ["project"]}), "json")
        assert "set network.network to the network" in "\n".join(self.messages(parsed(files, "modules/cluster/main.tf.json")))

    @pytest.mark.parametrize("sections", [{}, {"network": {"host_project": "host-project", "grant_service_agents": True}}], ids=str)
    def test_no_file_points_to_a_document_of_this_repository(self, sections: dict[str, Any]) -> None:
        files = files_of("pov", deployment(**sections), "hcl")
        assert [path for path, content in files.items() if re.search(rb"(?<![\w/])docs/[\w.]+\.md", content)] == []
