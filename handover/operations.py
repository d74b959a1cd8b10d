"""The sections of a hand-over's README on what comes after the first apply.

Owns: what to do when something fails, and how to destroy. The commands have the folders, addresses and names of this hand-over. Leaves to
others: what needs the source deployment, which docs/operations.md describes.
"""

import json
from collections.abc import Iterator

from deployment.backend import LocalBackendConfig
from deployment.model import Deployment
from handover.contents import Handover
from handover.markdown import shell
from handover.variables import variable_name


def operations(handover: Handover) -> list[str]:
    """Return the sections in order, each heading and each text as one part."""
    return [
        "## When something fails",
        *_failures(handover),
        *_before_the_cluster(handover),
        "## A second cluster in the same project",
        _second_cluster(handover),
        "## Destroy",
        _destroy(handover),
    ]


def _failures(handover: Handover) -> Iterator[str]:
    yield "The names in these commands are those of the source deployment. Where you set other inputs, use yours."
    for folder, address, _ in handover.resources("google_container_cluster"):
        yield _creation_failed(folder, address, handover.deployment)
        yield _killed(folder, address, handover)
    for folder, stack in handover.roots.items():
        inside = [address for of, address, _ in handover.resources() if of == folder and address.startswith("kubernetes_")]
        if inside and "google_container_cluster" in stack.content["data"]:
            yield (
                f"**The cluster was deleted before `{folder}` was destroyed.** Every plan of that folder fails, because it looks the "
                "cluster up by its name. What it created in the cluster is gone, so remove it from the state:\n\n"
                + shell(f"terraform -chdir={folder} state rm {' '.join(inside)}")
            )
        if "google_client_config" in json.dumps(stack.content["provider"]):
            yield (
                f"**A saved plan of `{folder}` is older than an hour.** It contains an access token, which is valid for an hour. After "
                "that, the apply ends with `Unauthorized`. Plan again."
            )


def _before_the_cluster(handover: Handover) -> Iterator[str]:
    """Yield what to do when Google or the plan refuses something that depends on the project or on the account."""
    deployment, main = handover.deployment, handover.main
    network, cluster = deployment.network, deployment.cluster
    if not network.create_network and network.create_subnetwork:
        hint = " An organization policy can keep new projects without the network `default`." if network.network == "default" else ""
        place = f"in `network` in `{main}`, in the subnetwork and in the cluster"
        if handover.has_variable("network.network"):
            place = f"in `{variable_name('network.network')}`"
        yield f"**Google answers that the network `{network.network}` does not exist.**{hint} Create it, or name another one {place}."
    if not deployment.admins.members:
        scopes = "https://www.googleapis.com/auth/cloud-platform,https://www.googleapis.com/auth/userinfo.email"
        yield (
            "**Google returned no e-mail address for the account that applies.** It returns none for credentials without the e-mail scope, "
            "or under workload identity federation. List the administrators, or log in with the scope:\n\n"
            + shell(f"gcloud auth application-default login --scopes={scopes}")
        )
    if cluster.has_release_channel:
        yield (
            f"**GKE refuses a slower release channel.** A cluster can leave {cluster.release_channel} for a slower channel when that one "
            "offers the cluster's version. These are its versions:\n\n"
            + shell(
                f"gcloud container get-server-config --region {deployment.region} --project {deployment.project} --flatten channels "
                "--filter channels.channel=CHANNEL"
            )
        )
    else:
        yield (
            "**Joining a release channel takes two applies.** GKE checks the node pool before it changes the channel. First set "
            f"`auto_upgrade` and `auto_repair` to true in `{main}` and apply; then set `channel` in `release_channel` and apply."
        )


_NAMED_ONCE = {
    "google_service_account": ("service account", "account_id"),
    "google_container_cluster": ("cluster", "name"),
    "google_compute_subnetwork": ("subnetwork", "name"),
}
"""What has a name that exists once in a project, or in a region of it, and the argument with that name, by resource type."""


def _second_cluster(handover: Handover) -> str:
    names = ", ".join(
        f"{noun} `{block[argument]}`" for kind, (noun, argument) in _NAMED_ONCE.items() for _, _, block in handover.resources(kind)
    )
    return (
        f"These names exist once in a project, or once in a region of it: {names}. The ranges of two clusters in one network must not "
        "overlap. Copy this folder, and give the copy names and ranges of its own, and a state of its own."
    )


def _creation_failed(folder: str, cluster: str, deployment: Deployment) -> str:
    text = "**Creating the cluster failed.** GKE may report an error after it has created the cluster. Terraform then marks it as tainted. "
    if not deployment.cluster.deletion_protection:
        return f"{text}Apply again: that replaces the cluster."
    steps = (f"terraform -chdir={folder} untaint {cluster}", f"terraform -chdir={folder} apply", _delete_default_pool(deployment))
    return (
        f"{text}Every plan then ends with `prevent_destroy`. Keep the cluster, and delete the default node pool, which Terraform removes "
        f"only while it creates a cluster:\n\n{shell(*steps)}"
    )


def _killed(folder: str, cluster: str, handover: Handover) -> str:
    deployment = handover.deployment
    cluster_id = f"{deployment.project}/{deployment.region}/{deployment.cluster.name}"
    imports = [f"terraform -chdir={folder} import {cluster} {cluster_id}"]
    imports += (
        f"terraform -chdir={of} import {pool} {cluster_id}/{block['name']}"
        for of, pool, block in handover.resources("google_container_node_pool")
    )
    delete = f"delete `{folder}/.terraform.tfstate.lock.info`, or " if isinstance(deployment.backend, LocalBackendConfig) else ""
    return (
        f"**Terraform was killed.** The state stays locked: {delete}run `terraform -chdir={folder} force-unlock LOCK_ID` with the ID that "
        "the next command prints. If the next apply says that the cluster or the node pool exists already, import it:\n\n"
        f"{shell(*imports)}\n\n"
        "After an import of the cluster, look for the default node pool, which Terraform removes only while it creates a cluster, and "
        f"delete it:\n\n{shell(_delete_default_pool(deployment))}"
    )


def _delete_default_pool(deployment: Deployment) -> str:
    cluster = f"--cluster {deployment.cluster.name} --region {deployment.region} --project {deployment.project}"
    return f"gcloud container node-pools delete default-pool {cluster}"


def _destroy(handover: Handover) -> str:
    main, steps = handover.main, shell(*(f"terraform -chdir={folder} destroy" for folder in reversed(handover.roots)))
    protection = "".join(
        f"`{address}` is protected: Terraform refuses to destroy it. Before you destroy anything, edit its block in "
        f"`{folder}/{main}`: set `deletion_protection` to false, and remove `prevent_destroy` from `lifecycle` or set it to false. "
        f"Then run `terraform -chdir={folder} apply`, which updates it in place: the provider refuses to destroy it for as long as the "
        "state says that it is protected. In a module the block is in "
        f"`modules/{handover.roots[folder].name}/{main}`, and the apply is that of the root which calls it.\n\n"
        for folder, address, block in handover.resources()
        if block.get("deletion_protection")
    )
    return (
        f"{protection}Destroy the folders in reverse order:\n\n{steps}\n\nThe APIs stay on. Terraform does not know the load balancers and "
        "disks that workloads created: delete the workloads first, or look for what they left afterwards."
    )
