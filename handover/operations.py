"""The sections of a hand-over's README on what comes after the first apply.

Owns: what to do when something fails, and how to destroy. The commands have the folders, addresses and names of this hand-over. Leaves to
others: what needs the source deployment, which docs/operations.md describes.
"""

import json
from collections.abc import Iterator

from deployment.backend import LocalBackendConfig
from handover.contents import Handover
from handover.markdown import shell
from handover.variables import variable_name


def operations(handover: Handover) -> Iterator[str]:
    """Yield the sections in order, each heading and each text as one part."""
    yield "## When something fails"
    yield "The names in these commands are those of the source deployment. If you changed the inputs, use your names."
    yield from _failures_at_the_cluster(handover)
    yield from _failures_after_the_cluster(handover)
    yield from _failures_before_the_cluster(handover)
    yield "## A second cluster in the same project"
    names = ", ".join(
        f"{noun} `{block[argument]}`" for kind, (noun, argument) in _NAMED_ONCE.items() for _, _, block in handover.resources(kind)
    )
    yield (
        f"These names must be unique in a project, or in a region of it: {names}. The ranges of two clusters in one network must not "
        "overlap. Copy this folder, and use different names, ranges and states for the copy."
    )
    yield "## Destroy"
    yield from _destroy(handover)


_NAMED_ONCE = {
    "google_service_account": ("service account", "account_id"),
    "google_container_cluster": ("cluster", "name"),
    "google_compute_subnetwork": ("subnetwork", "name"),
}
"""What has a name that exists once in a project, or in a region of it, and the argument with that name, by resource type."""


def _failures_at_the_cluster(handover: Handover) -> Iterator[str]:
    deployment = handover.deployment
    text = "**Creating the cluster failed.** GKE may report an error after it has created the cluster. Terraform then marks it as tainted."
    for folder, cluster, _ in handover.resources("google_container_cluster"):
        if deployment.cluster.deletion_protection:
            yield (
                f"{text} Every plan then ends with `prevent_destroy`. Keep the cluster, and delete the default node pool, which Terraform "
                "then does not remove:"
            )
            yield shell(
                f"terraform -chdir={folder} untaint {cluster}",
                f"terraform -chdir={folder} apply",
                f"gcloud container node-pools delete default-pool --cluster {deployment.cluster.name} {handover.place}",
            )
        else:
            yield f"{text} Apply again: that replaces the cluster."
        lock = (
            "A local state is not locked any more."
            if isinstance(deployment.backend, LocalBackendConfig)
            else f"If the next command reports a lock, run `terraform -chdir={folder} force-unlock LOCK_ID` with the ID from its message."
        )
        yield (
            f"**Terraform was killed.** {lock} Apply again. If Terraform reports that the cluster or the node pool already exists, import "
            "it:"
        )
        cluster_id = f"{deployment.project}/{deployment.region}/{deployment.cluster.name}"
        ids = {pool: f"{cluster_id}/{block['name']}" for _, pool, block in handover.resources("google_container_node_pool")}
        yield shell(*(f"terraform -chdir={folder} import {address} {id_}" for address, id_ in {cluster: cluster_id, **ids}.items()))
        yield "After an import of the cluster, the next apply removes the default node pool."


def _failures_after_the_cluster(handover: Handover) -> Iterator[str]:
    for folder, stack in handover.roots.items():
        addresses = [address for of, address, _ in handover.resources() if of == folder]
        inside = [address for address in addresses if address.startswith(("kubernetes_", "helm_"))]
        if inside and "google_container_cluster" in stack.content["data"]:
            outside = len(addresses) > len(inside)
            yield (
                f"**The cluster was deleted before `{folder}` was destroyed.** Every plan of that folder fails, because it looks the "
                "cluster up by its name. What it created in the cluster is gone, so remove it from the state"
                f"{', and destroy the rest' if outside else ''}:"
            )
            remove = f"terraform -chdir={folder} state rm {' '.join(inside)}"
            yield shell(remove, *([f"terraform -chdir={folder} destroy -refresh=false"] if outside else []))
        if "google_client_config" in json.dumps(stack.content["provider"]):
            yield (
                f"**A saved plan of `{folder}` is older than an hour.** It contains an access token, which is valid for an hour. After "
                "that, the apply fails with `Unauthorized`. Create a new plan."
            )


def _failures_before_the_cluster(handover: Handover) -> Iterator[str]:
    """Yield what to do when Google or the plan refuses something that depends on the project or on the account."""
    network, cluster = handover.deployment.network, handover.deployment.cluster
    if not network.create_network and network.create_subnetwork:
        hint = " An organization policy can prevent Google Cloud from creating it." if network.network == "default" else ""
        place = f"`network` in `{handover.main}`, in the subnetwork and in the cluster"
        if handover.has_variable("network.network"):
            place = f"`{variable_name('network.network')}`"
        yield f"**The network `{network.network}` does not exist.**{hint} Create it, or name another one in {place}."
    if not handover.deployment.admins.members:
        scopes = "https://www.googleapis.com/auth/cloud-platform,https://www.googleapis.com/auth/userinfo.email"
        yield (
            "**Google returned no e-mail address for the account that runs Terraform.** It returns none for credentials without the e-mail "
            "scope, or under workload identity federation. List the administrators, or log in with the scope:"
        )
        yield shell(f"gcloud auth application-default login --scopes={scopes}")
    if cluster.has_release_channel:
        yield (
            f"**GKE refuses a slower release channel.** A cluster can leave {cluster.release_channel} for a slower channel when the "
            "slower channel offers the cluster's version. To list its versions:"
        )
        yield shell(f"gcloud container get-server-config {handover.place} --flatten channels --filter channels.channel=CHANNEL")
    else:
        yield (
            "**Joining a release channel takes two applies.** GKE checks the node pool before it changes the channel. First set "
            f"`auto_upgrade` and `auto_repair` to true in `{handover.main}` and apply; then set `channel` in `release_channel` and apply."
        )


def _destroy(handover: Handover) -> Iterator[str]:
    for folder, address, block in handover.resources():
        if block.get("deletion_protection"):
            yield (
                f"`{address}` is protected: Terraform refuses to destroy it. Before you destroy anything, edit its block in "
                f"`{folder}/{handover.main}`: set `deletion_protection` to false, and remove `prevent_destroy` from `lifecycle` or set it "
                f"to false. Then run `terraform -chdir={folder} apply`, which updates it in place: the provider refuses to destroy it "
                "until the state says that it is not protected. In a module, the block is in "
                f"`modules/{handover.roots[folder].name}/{handover.main}`, and you run the apply in the root that calls it."
            )
    yield "Destroy the folders in reverse order:"
    yield shell(*reversed(handover.terraform("destroy")))
    yield (
        "The APIs stay enabled. Terraform does not manage the load balancers and disks that workloads created: delete the workloads "
        "first, or look for what they left behind."
    )
