"""Commands that check a deployment beyond its file.

    destroy.py     whether a destroy would fail half-way; `make destroy` runs it first
    scan.py        what checkov finds in the stacks, and which findings `accepted.toml` accepts; `make scan`

They use the synthesized stacks. `deployment` and the constructs check the file itself.
"""
