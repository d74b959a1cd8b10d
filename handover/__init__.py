"""Makes a folder out of a deployment that a platform team can own: `make handover DEPLOYMENT=NAME`.

    __main__.py         the command
    folder.py           the files of the folder, and which of them a later hand-over may replace
    stacks.py           a deployment's stacks, with a Terraform variable at every place that a parameter reaches
    variables.py        those variables, and the rules that Terraform checks of them
    example.py          a root that calls the stacks as modules
    hcl.py              a configuration as HCL text
    hcl_expressions.py    its strings and expressions
    comments.py           its comments: reasons and risks
    readme.py           the text for the folder's reader
    design.py             its sections on the design: reasons, access, upgrades, and what a change does
    continuation.py       its section on the state, and how to continue from the source's
    operations.py         its sections on failures and on destroying
    contents.py         what a hand-over contains, for these texts
    picture.py          the picture of the architecture; `make picture`
    drawing.py            its layout and its look

Everything is made from the synthesized output and the reasons of the constructs. The constructs know nothing of the hand-over.
"""
