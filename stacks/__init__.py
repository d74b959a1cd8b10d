"""The two stacks of a deployment, one Terraform state each."""
