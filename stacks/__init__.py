"""The kinds of stack that a deployment has, one Terraform state each, and the registry that lists them."""
