"""Rehearses a deployment with real Terraform and stand-in providers: `make rehearse DEPLOYMENT=NAME`."""
