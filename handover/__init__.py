"""Makes a folder out of a deployment that a platform team can own: `make handover DEPLOYMENT=NAME`.

    __main__.py    the command
    folder.py      which files the folder has; writes them with a manifest of checksums
    stacks.py      a deployment's stacks, with a Terraform variable at every place that a parameter reaches
    example.py     a root that calls the stacks as modules
    variables.py   those variables, and the rules that Terraform checks of them
    readme.py      the text for the folder's reader
    design.py        its sections on the design: reasons, access, upgrades, and what a change does
    continuation.py  its section on the state, and how to continue from the source's
    operations.py  its sections on failures and on destroying
    literal.py     the configuration with literal values, for these texts
    picture.py     the picture of the architecture; `make picture`
    drawing.py     its layout and its look

Everything is made from the synthesized output. The constructs know nothing of it.
"""
