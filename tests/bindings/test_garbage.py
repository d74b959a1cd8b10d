"""The setting for programs that synthesize once and exit."""

from tests.bindings.conftest import Run


def test_nothing_is_collected_until_the_exit(run: Run) -> None:
    code = """
    import atexit, gc, json
    atexit.register(lambda: print(json.dumps([gc.isenabled(), gc.get_freeze_count() > 1000])))
    from gitpod_pov.bindings import collect_no_garbage
    collect_no_garbage()
    """
    assert run(code) == [False, True]


def test_libraries_are_not_affected(run: Run) -> None:
    assert run("import gc, json, gitpod_pov; print(json.dumps(gc.isenabled()))") is True


def test_switch_does_not_change_it(run: Run) -> None:
    code = """
    import gc, json
    from gitpod_pov.bindings import collect_no_garbage
    collect_no_garbage()
    print(json.dumps(gc.isenabled()))
    """
    assert run(code, GITPOD_POV_EAGER_BINDINGS="1") is True
