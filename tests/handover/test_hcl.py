"""What Terraform configurations look like as HCL. Whether it is formatted and means the same is in test_hcl_terraform.py."""

import textwrap
from collections.abc import Iterable
from typing import Any

import pytest

from handover import hcl as hcl_module
from handover.hcl import Comments, Forms, hcl
from handover.hcl_expressions import HclError
from rehearsal.provider_schema import ProviderSchema

BUILT_IN = Forms.of([])


def written(content: dict[str, Any], comments: Comments | None = None, order: Iterable[str] = ()) -> str:
    return hcl(content, Forms.of([content]), comments or {}, tuple(order))


def value(json_value: Any) -> str:
    """Return a value as it is written after the equals sign of a local value."""
    return hcl({"locals": {"v": json_value}}, BUILT_IN).removeprefix("locals {\n  v = ").removesuffix("\n}\n")


def text(block: str) -> str:
    return textwrap.dedent(block).lstrip("\n")


CLUSTER = {
    "resource": {
        "google_container_cluster": {
            "cluster": {
                "addons_config": {"http_load_balancing": {"disabled": True}},
                "depends_on": ["google_project_service.container"],
                "lifecycle": {
                    "ignore_changes": ["node_config", "database_encryption[0].state"],
                    "precondition": [{"error_message": "zones: none", "condition": "${length(var.zones) > 0}"}],
                    "prevent_destroy": True,
                },
                "location": "${var.region}",
                "name": "gitpod",
                "provider": "google.other",
                "remove_default_node_pool": True,
                "resource_labels": {"team": "platform", "cost-center": "42"},
                "timeouts": {"create": "90m"},
                "workload_identity_config": {},
                "//": {"metadata": {"path": "pov-cluster/cluster"}},
            }
        }
    }
}


class TestBlocks:
    def test_follow_the_style_guide_order(self) -> None:
        assert written(CLUSTER) == text(
            """
            resource "google_container_cluster" "cluster" {
              provider = google.other

              name                     = "gitpod"
              location                 = var.region
              remove_default_node_pool = true

              resource_labels = {
                team          = "platform"
                "cost-center" = "42"
              }

              addons_config {
                http_load_balancing {
                  disabled = true
                }
              }

              workload_identity_config {}

              timeouts {
                create = "90m"
              }

              lifecycle {
                ignore_changes  = [node_config, database_encryption[0].state]
                prevent_destroy = true

                precondition {
                  condition     = length(var.zones) > 0
                  error_message = "zones: none"
                }
              }

              depends_on = [google_project_service.container]
            }
            """
        )

    def test_have_comments_at_their_paths(self) -> None:
        comments = {
            "google_container_cluster.cluster": {
                "": "One regional cluster.",
                "name": "The name is unique within its project and region.",
                "resource_labels[cost-center]": "Finance asks for it.",
                "addons_config.http_load_balancing.disabled": "A list of add-ons switches off what it leaves out, " * 4,
                "lifecycle.ignore_changes[node_config]": "The default pool is removed.\nIts configuration is kept by Google.",
                "lifecycle.ignore_changes[database_encryption[0].state]": "Google names this state differently.",
                "lifecycle.precondition[0].condition": "A cluster has nodes.",
                "timeouts": "As long as the provider waits.",
                "not_set": "Nobody sees this.",
            },
            "google_container_cluster.other": {"": "Nor this."},
        }
        assert written(CLUSTER, comments) == text(
            """
            # One regional cluster.
            resource "google_container_cluster" "cluster" {
              provider = google.other

              location                 = var.region
              remove_default_node_pool = true

              # The name is unique within its project and region.
              name = "gitpod"

              resource_labels = {
                team = "platform"
                # Finance asks for it.
                "cost-center" = "42"
              }

              addons_config {
                http_load_balancing {
                  # A list of add-ons switches off what it leaves out, A list of add-ons switches off what it leaves out, A list of
                  # add-ons switches off what it leaves out, A list of add-ons switches off what it leaves out,
                  disabled = true
                }
              }

              workload_identity_config {}

              # As long as the provider waits.
              timeouts {
                create = "90m"
              }

              lifecycle {
                ignore_changes = [
                  # The default pool is removed.
                  # Its configuration is kept by Google.
                  node_config,
                  # Google names this state differently.
                  database_encryption[0].state,
                ]
                prevent_destroy = true

                precondition {
                  # A cluster has nodes.
                  condition     = length(var.zones) > 0
                  error_message = "zones: none"
                }
              }

              depends_on = [google_project_service.container]
            }
            """
        )

    def test_repeated_blocks(self) -> None:
        content = {
            "resource": {
                "google_compute_subnetwork": {
                    "nodes": {"secondary_ip_range": [{"range_name": "pods"}, {"range_name": "services"}], "name": "gitpod"}
                },
                "google_container_node_pool": {"pool": {"node_config": {"guest_accelerator": [{"count": 1, "type": "nvidia-l4"}]}}},
            }
        }
        comments = {"google_compute_subnetwork.nodes": {"secondary_ip_range": "First.", "secondary_ip_range[1].range_name": "Second."}}
        assert written(content, comments) == text(
            """
            resource "google_compute_subnetwork" "nodes" {
              name = "gitpod"

              # First.
              secondary_ip_range {
                range_name = "pods"
              }

              secondary_ip_range {
                # Second.
                range_name = "services"
              }
            }

            resource "google_container_node_pool" "pool" {
              node_config {
                guest_accelerator {
                  count = 1
                  type  = "nvidia-l4"
                }
              }
            }
            """
        )

    def test_dynamic_blocks(self) -> None:
        content = {
            "resource": {
                "kubernetes_cluster_role_binding_v1": {
                    "admins": {
                        "dynamic": {
                            "subject": [
                                {
                                    "content": {"kind": "${member.value.kind}", "name": "x"},
                                    "for_each": "${local.subjects}",
                                    "iterator": "member",
                                }
                            ]
                        },
                        "metadata": {"name": "admins"},
                    }
                }
            }
        }
        comments = {"kubernetes_cluster_role_binding_v1.admins": {"subject": "Who is bound.", "subject.kind": "User or Group."}}
        assert written(content, comments) == text(
            """
            resource "kubernetes_cluster_role_binding_v1" "admins" {
              # Who is bound.
              dynamic "subject" {
                for_each = local.subjects
                iterator = member

                content {
                  name = "x"

                  # User or Group.
                  kind = member.value.kind
                }
              }

              metadata {
                name = "admins"
              }
            }
            """
        )

    def test_terraform_blocks(self) -> None:
        content = {
            "terraform": {
                "required_providers": {
                    "google": {"source": "hashicorp/google", "version": "7.45.0", "configuration_aliases": ["google.other"]},
                    "kubernetes": {"source": "hashicorp/kubernetes", "version": "2.38.0"},
                },
                "required_version": ">= 1.6.0",
                "backend": {"gcs": {"bucket": "states", "prefix": "gitpod-pov/pov-cluster"}},
            },
            "provider": {
                "google": [{"project": "${var.project}"}, {"alias": "other", "batching": {"enable_batching": False}}],
                "kubernetes": {"host": "https://${module.cluster.endpoint}"},
            },
            "variable": {
                "zones": {
                    "validation": [{"condition": "${length(var.zones) < 4}", "error_message": "zones: '${var.zones[0]}'"}],
                    "default": ["us-central1-a", "${plain text}"],
                    "nullable": False,
                    "description": "Zones, as in ${region}-a.",
                    "type": "list(string)",
                },
                "anything": {"type": "map"},
            },
            "locals": {"names": {"a": 1}, "n": 2},
            "module": {
                "cluster": {
                    "project": "${var.project}",
                    "depends_on": ["module.network"],
                    "providers": {"google": "google.other", "google.other": "google"},
                    "source": "../modules/cluster",
                    "for_each": {"a": "b"},
                }
            },
            "output": {
                "names": {
                    "value": "${local.names}",
                    "sensitive": True,
                    "depends_on": ["module.cluster"],
                    "description": "All ${names}.",
                    "precondition": {"condition": "${local.n == 2}", "error_message": "no"},
                }
            },
            "moved": [{"from": "google_service_account.a", "to": 'module.cluster["a"].google_service_account.a'}],
            "import": [{"id": "${local.n}", "to": "module.rbac.kubernetes_cluster_role_binding_v1.admins", "provider": "kubernetes.x"}],
        }
        assert written(content, {"var.zones": {"": "Where nodes are."}, "moved": {"": "Continue the state."}}) == text(
            """
            terraform {
              required_version = ">= 1.6.0"

              required_providers {
                google = {
                  source                = "hashicorp/google"
                  version               = "7.45.0"
                  configuration_aliases = [google.other]
                }
                kubernetes = {
                  source  = "hashicorp/kubernetes"
                  version = "2.38.0"
                }
              }

              backend "gcs" {
                bucket = "states"
                prefix = "gitpod-pov/pov-cluster"
              }
            }

            provider "google" {
              project = var.project
            }

            provider "google" {
              alias = "other"

              batching {
                enable_batching = false
              }
            }

            provider "kubernetes" {
              host = "https://${module.cluster.endpoint}"
            }

            # Where nodes are.
            variable "zones" {
              type        = list(string)
              description = "Zones, as in $${region}-a."
              default     = ["us-central1-a", "$${plain text}"]
              nullable    = false

              validation {
                condition     = length(var.zones) < 4
                error_message = "zones: '${var.zones[0]}'"
              }
            }

            variable "anything" {
              type = map(any)
            }

            locals {
              n = 2

              names = {
                a = 1
              }
            }

            module "cluster" {
              source = "../modules/cluster"

              for_each = {
                a = "b"
              }

              providers = {
                google       = google.other
                google.other = google
              }

              project = var.project

              depends_on = [module.network]
            }

            output "names" {
              description = "All $${names}."
              value       = local.names
              sensitive   = true

              precondition {
                condition     = local.n == 2
                error_message = "no"
              }

              depends_on = [module.cluster]
            }

            # Continue the state.
            moved {
              from = google_service_account.a
              to   = module.cluster["a"].google_service_account.a
            }

            import {
              provider = kubernetes.x
              to       = module.rbac.kubernetes_cluster_role_binding_v1.admins
              id       = local.n
            }
            """
        )

    def test_cloud_block(self) -> None:
        cloud = {"terraform": {"cloud": {"organization": "gitpod", "workspaces": {"name": "pov-cluster"}}}}
        assert written(cloud) == text(
            """
            terraform {
              cloud {
                organization = "gitpod"

                workspaces {
                  name = "pov-cluster"
                }
              }
            }
            """
        )

    def test_follow_the_requested_order(self) -> None:
        content = {
            "data": {"google_client_config": {"a": {}, "b": {}}},
            "locals": {"x": 1},
            "resource": {"google_service_account": {"c": {}}},
        }
        ordered = written(content, order=["google_service_account.c", "locals", "data.google_client_config.b"])
        assert ordered == text(
            """
            resource "google_service_account" "c" {}

            locals {
              x = 1
            }

            data "google_client_config" "b" {}

            data "google_client_config" "a" {}
            """
        )

    def test_empty_input_writes_nothing(self) -> None:
        assert written({}) == ""
        assert written({"resource": {}}) == ""


class TestForms:
    """Which arguments are blocks, where the bindings do not say so or say it wrongly."""

    def resource(self, **arguments: Any) -> dict[str, Any]:
        return {"resource": {"google_container_cluster": {"cluster": arguments}}}

    def test_a_scalar_without_a_binding_is_an_attribute(self) -> None:
        exclusion = {"exclusion_options": {"scope": "NO_UPGRADES", "end_time_behavior": "UNTIL_END_OF_SUPPORT"}}
        assert '      end_time_behavior = "UNTIL_END_OF_SUPPORT"' in written(
            self.resource(maintenance_policy={"maintenance_exclusion": [exclusion]})
        )
        assert "  future = [1, 2]" in written(self.resource(future=[1, 2]))

    @pytest.mark.parametrize("future", [{"enabled": True}, [{"enabled": True}]])
    def test_an_object_without_a_binding_needs_a_stated_form(self, future: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        content = self.resource(addons_config={"future": future})
        message = (
            r"google_container_cluster\.cluster: addons_config\[0\]\.future: is unknown to the provider bindings, state its form in EXC"
        )
        with pytest.raises(HclError, match=message):
            written(content)

        def state(form: Any) -> None:
            stated = hcl_module.ArgumentForm("google_container_cluster.addons_config.future", form, "a test")
            monkeypatch.setattr(hcl_module, "EXCEPTIONS", (stated,))

        state("attribute")
        assert "    future = " in written(content)
        state("block")
        assert "    future {\n      enabled = true\n    }\n" in written(content)

    def test_arguments_of_helm_3_are_attributes_although_the_binding_has_blocks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        inner = {"attributes": {"host": {"type": "string"}}, "block_types": {}}
        blocks = {"nesting_mode": "single", "block": inner}
        schema = ProviderSchema(
            {"attributes": {}, "block_types": dict.fromkeys(("kubernetes", "experiments", "registries"), blocks)},
            "3.1.1",
            {"helm_release": {"attributes": dict.fromkeys(("set", "values")), "block_types": {"timeouts": blocks}}},
        )
        monkeypatch.setattr(hcl_module, "provider_schema", lambda *_: schema)
        content = {
            "provider": {"helm": [{"kubernetes": {"host": "https://${local.endpoint}", "exec": {"args": []}}}]},
            "resource": {
                "helm_release": {"chart": {"set": [{"name": "a"}], "values": ['${yamlencode({"a" = 1})}'], "timeouts": {"create": "10m"}}}
            },
        }
        assert written(content) == text(
            """
            provider "helm" {
              kubernetes = {
                host = "https://${local.endpoint}"
                exec = {
                  args = []
                }
              }
            }

            resource "helm_release" "chart" {
              values = [yamlencode({ "a" = 1 })]

              set = [
                {
                  name = "a"
                },
              ]

              timeouts = {
                create = "10m"
              }
            }
            """
        )

    def test_an_exception_names_an_argument_once_and_has_a_source(self) -> None:
        assert len({one.path for one in hcl_module.EXCEPTIONS}) == len(hcl_module.EXCEPTIONS)
        assert all(one.source.startswith("https://") for one in hcl_module.EXCEPTIONS)

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ({"resource": {"google_teapot": {"a": {}}}}, "the bindings of google do not know google_teapot"),
            ({"provider": {"teapot": {}}}, "no binding package cdktf_cdktf_provider_teapot is installed"),
            ({"check": {"health": {}}}, "check: not a block that a hand-over has, use one of terraform, provider"),
            (
                {"resource": {"google_container_cluster": {"cluster": {"timeouts": "${local.t}"}}}},
                r"google_container_cluster\.cluster: timeouts\[0\]: is a block, which cannot be '\$\{local\.t\}', use a dynamic block",
            ),
            (
                {"resource": {"google_container_cluster": {"cluster": {"dynamic": {"name": {"content": {}}}}}}},
                r"google_container_cluster\.cluster: name: is not a block, a dynamic block cannot make it",
            ),
            ({"locals": {"x": "${a"}}, r"'\$\{a', column 4: \$\{ is not closed"),
            ({"locals": {"x": "${}"}}, r"'\$\{\}', column 3: an expression is missing"),
            ({"locals": {"x": "${[a}"}}, r"'\$\{\[a\}', column 6: unexpected \}"),
            ({"locals": {"x": "${(a"}}, r"column 5: \( is not closed"),
            ({"locals": {"x": '${"a}'}}, "a quoted string is not closed"),
            ({"locals": {"x": "${a\fb}"}}, "column 4: not a part of an expression"),
            ({"moved": {"from": "${a.b}", "to": "a.c"}}, r"'\$\{a\.b\}', column 1: not a part of an expression"),
            ({"locals": {"x": "${<<EOT\nx\nEOT\n}"}}, "column 3: use a quoted string instead of a heredoc"),
            ({"moved": {"from": "a.b }", "to": "a.c"}}, r"'a\.b \}', column 5: unexpected \}"),
        ],
    )
    def test_what_cannot_be_written_is_refused(self, content: dict[str, Any], message: str) -> None:
        with pytest.raises(HclError, match=message):
            written(content)


class TestValues:
    @pytest.mark.parametrize(
        ("json_value", "expected"),
        [
            (None, "null"),
            (True, "true"),
            ("true", '"true"'),
            (-3, "-3"),
            (10**30, "1" + "0" * 30),
            (0.25, "0.25"),
            (1e22, "1e+22"),
            ("", '""'),
            ([], "[]"),
            ({}, "{}"),
            ("${google_service_account.identity.email}", "google_service_account.identity.email"),
            ('${"${local.x}"}', "local.x"),
            ("https://${local.x}:${ local.y }/", '"https://${local.x}:${local.y}/"'),
            ("${length(var.zones)==0?null:var.zones}", "length(var.zones) == 0 ? null : var.zones"),
            ("${{ a = -1 }}", "{ a = -1 }"),
            ("x${{ a=1 }.a}", '"x${ { a = 1 }.a}"'),
            ("$${x} %%{if} 100% $5", '"$${x} %%{if} 100% $5"'),
            ('a "quoted" \\ backslash\ttab\r', '"a \\"quoted\\" \\\\ backslash\\ttab\\r"'),
            ("Ünïcödé 🚀 \u200b\x1b\U000e0001", '"Ünïcödé 🚀 \\u200b\\u001b\\U000e0001"'),
            ("one\ntwo", '"one\\ntwo"'),
            ("one\n", '"one\\n"'),
            ("  one\n  two\n", '"  one\\n  two\\n"'),
            ("EOT\ntwo\n", '"EOT\\ntwo\\n"'),
            (["a", 1, True, "${local.x}"], '["a", 1, true, local.x]'),
            (["a" * 60, "b" * 60], f'[\n    "{"a" * 60}",\n    "{"b" * 60}",\n  ]'),
            ([{"a": 1}, {}], "[\n    {\n      a = 1\n    },\n    {},\n  ]"),
            (
                {"gitpod.io/a": "true", "a": 1, "cost-center": 2, "for": 3, "clé": 4, "var.x": 5, "${local.x}": 6, "${local.x}-y": 7},
                """{
    "gitpod.io/a"  = "true"
    a              = 1
    "cost-center"  = 2
    "for"          = 3
    "cl\\u00e9"     = 4
    "var.x"        = 5
    (local.x)      = 6
    "${local.x}-y" = 7
  }""",
            ),
            ({"a": 1, "list": [{"b": 1}], "bb": 2}, "{\n    a = 1\n    list = [\n      {\n        b = 1\n      },\n    ]\n    bb = 2\n  }"),
        ],
    )  # fmt: skip
    def test_are_written_in_idiomatic_hcl(self, json_value: Any, expected: str) -> None:
        assert value(json_value) == expected

    def test_text_of_several_lines_is_a_heredoc(self) -> None:
        script = '#!/bin/sh\n\nfor x in $${all}; do\n\techo "${local.x}" \\\n    c:\\n\ndone\n'
        locals_ = {"a": script, "b": 1, "c": {"d": 1, "script": script}, "e": [script, script], "f": "$${x}\n${local.x}\n"}
        assert hcl({"locals": locals_}, BUILT_IN) == text(
            r"""
            locals {
              a = <<-EOT
                #!/bin/sh

                for x in $${all}; do
                %TAB%echo "${local.x}" \
                    c:\n
                done
              EOT
              b = 1
              f = <<-EOT
                $${x}
                ${local.x}
              EOT

              c = {
                d      = 1
                script = <<-EOT
                  #!/bin/sh

                  for x in $${all}; do
                  %TAB%echo "${local.x}" \
                      c:\n
                  done
                EOT
              }

              e = [
                <<-EOT
                  #!/bin/sh

                  for x in $${all}; do
                  %TAB%echo "${local.x}" \
                      c:\n
                  done
                EOT
                ,
                <<-EOT
                  #!/bin/sh

                  for x in $${all}; do
                  %TAB%echo "${local.x}" \
                      c:\n
                  done
                EOT
              ]
            }
            """
        ).replace("%TAB%", "\t")

    @pytest.mark.parametrize(
        ("expression", "lines"),
        [
            (
                """
                alltrue([for zone in var.zones : startswith(zone, var.region) && length(zone) > 20 || contains(local.allowed, zone)
                if zone != var.other])
                """,
                """
                alltrue([
                  for zone in var.zones :
                  startswith(zone, var.region) && length(zone) > 20 || contains(local.allowed, zone)
                  if zone != var.other
                ])
                """,
            ),
            (
                """
                length(var.admins_members)==0 ? [{ kind = "User", name = local.account }] : [for member in var.admins_members :
                { kind = "User" }]
                """,
                """
                (
                  length(var.admins_members) == 0
                  ? [{ kind = "User", name = local.account }]
                  : [for member in var.admins_members : { kind = "User" }]
                )
                """,
            ),
            (
                """
                yamlencode({
                  controller = { replicas = 3, annotations = { "a.b/c" : "x" } }, resources = ["requests of it", "limits of it"]
                  deployment = null })
                """,
                """
                yamlencode({
                  controller = { replicas = 3, annotations = { "a.b/c" : "x" } }
                  resources  = ["requests of it", "limits of it"]
                  deployment = null
                })
                """,
            ),
            (
                """
                merge({ a = local.labels, b = var.first_condition ? local.first_of_two_values : local.second_of_two_values }, [
                1, # one
                ])["key"]
                """,
                """
                merge(
                  { a = local.labels, b = var.first_condition ? local.first_of_two_values : local.second_of_two_values },
                  [1]
                )["key"]
                """,
            ),
            (
                """
                { a = var.first_condition_of_the_two ? local.first_of_the_two_values_of_it : local.second_of_the_two_values_of_it,
                long_name = can(regex("[a-z]", var.x)) }
                """,
                """
                {
                  a         = var.first_condition_of_the_two ? local.first_of_the_two_values_of_it : local.second_of_the_two_values_of_it
                  long_name = can(regex("[a-z]", var.x))
                }
                """,
            ),
            (
                """
                { for name, range in var.a_map_of_authorized_networks_with_a_long_name : name => cidrsubnet(range, 0, 0)
                if can(cidrhost(range, 0)) }
                """,
                """
                {
                  for name, range in var.a_map_of_authorized_networks_with_a_long_name :
                  name => cidrsubnet(range, 0, 0)
                  if can(cidrhost(range, 0))
                }
                """,
            ),
            (
                """
                max({ a = local.first_operand_of_this_sum, b = 1 }.a + { a = local.second_operand_of_this_sum, b = local.unused_value }.a)
                """,
                """
                max(
                  {
                    a = local.first_operand_of_this_sum
                    b = 1
                  }.a + { a = local.second_operand_of_this_sum, b = local.unused_value }.a
                )
                """,
            ),
            (f"local.{'a' * 120}[0]", f"local.{'a' * 120}[0]"),
        ],
    )
    def test_long_expressions_are_broken_inside_brackets(self, expression: str, lines: str) -> None:
        assert value(f"${{{expression}}}") == textwrap.indent(text(lines), "  ").strip()
