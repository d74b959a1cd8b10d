"""The section of a hand-over's README on the state: where it is, and how to continue from the state of the source deployment.

Owns: the exact commands and blocks. Leaves to others: where the source keeps its state (`deployment.backend`).

Sources: https://developer.hashicorp.com/terraform/language/modules/develop/refactoring and
https://developer.hashicorp.com/terraform/language/import
"""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from deployment.backend import CloudBackendConfig, GcsBackendConfig
from handover.contents import Handover
from handover.hcl import Forms, hcl
from handover.markdown import listed, shell
from handover.stacks import Stack, blocks_of
from handover.variables import Json


def continuation(handover: Handover) -> Iterator[str]:
    """Yield the parts of the section."""
    yield from _in_the_folders(handover)
    if not handover.deployment.admins.members:
        yield (
            "No administrators are listed, so the binding is for the account that runs Terraform. If another account ran it before, the "
            "plan replaces that account in the binding. That is the only change."
        )
    (first, stack), *others = handover.roots.items()
    imported = [folder for folder, one in others if one.content["resource"].keys() <= _IMPORT_IDS.keys()]
    crossing = (
        f" `import` adopts what is in the state of {listed(imported)}, because `moved` works only within one state; delete that state "
        "afterwards."
        if imported
        else ""
    )
    yield (
        f"**Through the modules.** In `example/`, or in your own configuration that calls the modules, addresses start with "
        f"`module.NAME.`. Give that configuration the state of `{first}`, and add the blocks below to it. `moved` keeps what is in that "
        f"state.{crossing} The plan then adds, changes and destroys nothing. Remove the blocks after the apply."
    )
    yield shell(f"terraform -chdir={first} state pull > example/terraform.tfstate", "terraform -chdir=example init")
    imports = [
        {"to": f"module.{handover.roots[folder].name}.{address}", "id": _IMPORT_IDS[address.partition(".")[0]](block)}
        for folder, address, block in handover.resources(*_IMPORT_IDS)
        if folder in imported
    ]
    yield _details("Blocks for the configuration that calls the modules", {"moved": _moved(stack), "import": imports})
    for folder, one in others:
        if folder not in imported:
            yield (
                f"`{folder}` needs a separate configuration that calls `modules/{one.name}`, with the state of `{folder}`, because not "
                "everything in it can be imported without a change."
            )
            yield _details(f"Blocks for the configuration that calls modules/{one.name}", {"moved": _moved(one)})


def _moved(stack: Stack) -> list[Json]:
    return [{"from": address, "to": f"module.{stack.name}.{address}"} for address in blocks_of(stack.content, "resource")]


def _details(summary: str, blocks: Json) -> str:
    return f"<details><summary>{summary}</summary>\n\n```hcl\n{hcl(blocks, Forms.of([]))}```\n\n</details>"


def _in_the_folders(handover: Handover) -> Iterator[str]:
    backend, file = handover.deployment.backend, handover.file("backend")
    states = {folder: stack.source.name for folder, stack in handover.roots.items()}
    plans = handover.terraform("init", "plan")
    if isinstance(backend, GcsBackendConfig):
        where = f"in the bucket `{backend.bucket}`, under " + ", ".join(f"`{backend.prefix}/{state}`" for state in states.values())
    elif isinstance(backend, CloudBackendConfig):
        where = f"in the organization `{backend.organization}` on `{backend.hostname}`, in the workspaces " + ", ".join(
            f"`{backend.workspace_of(state)}`" for state in states.values()
        )
    else:
        copies = [f"cp SOURCE/terraform.{state}.tfstate {folder}/terraform.tfstate" for folder, state in states.items()]
        yield (
            "**A new cluster**: no action is needed. The state is kept in `terraform.tfstate` in each folder. To keep it elsewhere, add a "
            "`backend` block."
        )
        yield (
            "**The cluster of the source deployment** continues with its state, because the addresses are the same. Copy the states from "
            "the folder of the source, here `SOURCE`, and plan. Each plan reports no changes. From then on, apply only here: two copies of "
            "a state diverge."
        )
        yield shell(*copies, *plans)
        return
    yield (
        f"**A new cluster** needs its own state: delete `{file}` in each folder, or name another place in it, before you run "
        "`terraform init`. Otherwise Terraform would change the cluster of the source deployment."
    )
    yield (
        f"**The cluster of the source deployment** continues with its state, because the addresses are the same. `{file}` names the "
        f"state of the source: {where}. Each plan reports no changes. From then on, apply only here."
    )
    yield shell(*plans)


_IMPORT_IDS: Mapping[str, Callable[[Json], str]] = MappingProxyType(
    {
        "kubernetes_cluster_role_binding_v1": lambda block: str(block["metadata"]["name"]),
        "kubernetes_role_binding_v1": lambda block: f"{block['metadata']['namespace']}/{block['metadata']['name']}",
    }
)
"""IDs for an import after which the plan is empty, by resource type."""
