"""Writes a folder that a platform team can own, from a deployment: `make handover DEPLOYMENT=NAME`.

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
    shared_vpc.py         its section on Shared VPC
    contents.py         what a hand-over contains, for these texts
    markdown.py         tables and commands in Markdown
    picture.py          the picture of the architecture; `make picture`
    drawing.py            its layout and its look

Everything comes from the synthesized output and the reasons of the constructs. The constructs do not know about the hand-over.
"""
