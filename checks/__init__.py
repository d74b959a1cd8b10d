"""Commands that check a deployment beyond its file.

    destroy.py     whether a destroy would be refused half-way; `make destroy` runs it first
    scan.py        what checkov finds in the stacks and what of it stays, by `accepted.toml`; `make scan`

They use the synthesized stacks. Checking the file itself is the business of `deployment` and the constructs.
"""
