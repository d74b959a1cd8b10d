"""Lazily loaded provider bindings: an app pays for the resources it uses, not for the 1,500 that a provider has.

Stock `import cdktf_cdktf_provider_google.container_cluster` runs the package's `__init__`, which imports every
resource, and loads the package's `lib/index.js` in jsii's Node process, which requires every resource again. This
package makes both lists lazy and leaves the provider packages, the environment and the rest of the process alone. It
serves the packages of CDKTF (cdktf) and of its successor CDK Terrain (cdktn), see docs/terrain.md:

- `provider_packages` owns the Python side: an import hook for the provider packages.
- `kernel_hooks` (.py and .js) owns the Node side: a tiny jsii assembly, loaded into the kernel through jsii's own
  `load` request. Neither `NODE_OPTIONS` nor any other variable is needed, so it works in a kernel that already runs,
  and no child process inherits it.
- `type_checks` makes jsii's checks of arguments cheaper without changing a verdict.

`collect_no_garbage` is for the app's own `main`; nothing here calls it.

How the bindings look, to the app and to type checkers, is left to the provider packages. What does not look as expected
is loaded as it would be without us, with a `BindingsWarning`.
"""

import atexit
import functools
import gc
import os
import warnings

__all__ = ["EAGER_SWITCH", "BindingsWarning", "address_by_path", "collect_no_garbage", "install"]

EAGER_SWITCH = "GITPOD_POV_EAGER_BINDINGS"
"""Environment variable: any value but the empty one makes this package do nothing."""


class BindingsWarning(RuntimeWarning):
    """Some bindings could not be made lazy: they load in full, the app works but starts slowly."""


@functools.cache
def install() -> bool:
    """Make the provider bindings that are imported from now on lazy, and return whether they are; later calls do nothing else.

    Starts no process and imports no binding. A provider already imported is left alone. Does nothing when the
    environment variable `GITPOD_POV_EAGER_BINDINGS` is set. With a jsii whose private parts differ from those known
    here it warns (`BindingsWarning`) and changes nothing.
    """
    if os.environ.get(EAGER_SWITCH):
        return False
    try:
        # Not at the top: these modules hold on to private parts of jsii, which another version need not have.
        from gitpod_pov.bindings import kernel_hooks, provider_packages

        kernel_hooks.install()
        provider_packages.install()
    except (ImportError, AttributeError) as error:
        warnings.warn(
            f"provider bindings are not loaded lazily, because this version of jsii is unknown: {error}", BindingsWarning, stacklevel=2
        )
        return False
    return True


def address_by_path(stack: object) -> None:
    """Let the stack's elements be addressed in Node as its own `_allocate_logical_id` would address them in Python.

    For a stack class whose `_allocate_logical_id` joins the path below the stack with underscores, leaves out `Default`, and refuses
    collisions. Does nothing where the bindings are not lazy; the class's own method then answers, to the same end.

    Args:
        stack: a `cdktf.TerraformStack`, before anything in it has been asked for its address.
    """
    if install():
        from gitpod_pov.bindings import kernel_hooks

        kernel_hooks.address_by_path(stack)


def collect_no_garbage() -> None:
    """Switch cyclic garbage collection off for the rest of the process, and spare its exit the last one.

    For programs that synthesize once and exit, at the start of what runs under `if __name__ == "__main__"`: there is
    next to no garbage, and looking for it takes time. Not for libraries, servers or test runs: it is the whole
    process's setting. jsii keeps every construct until exit anyway, since it cannot know what Node still refers to.
    Does nothing when the environment variable `GITPOD_POV_EAGER_BINDINGS` is set.
    """
    if os.environ.get(EAGER_SWITCH):
        return
    gc.disable()
    # The interpreter collects once more while it shuts down, disabled or not; frozen objects are left out of that.
    atexit.register(gc.freeze)
