"""Gitpod's Proof-of-Value Reference Architecture on Google Cloud, as Terraform CDK constructs.

One module, one construct, one configuration: import what you need from its module.
"""
