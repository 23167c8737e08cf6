# Everything that a clone needs is set up by the targets themselves, in .venv, web/node_modules and build/.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
INSTALL := $(PIP) install --no-deps --require-hashes
NPM := PATH="$(abspath $(BIN)):$$PATH" npm
PYTEST := $(BIN)/python -m pytest $(PYTEST_FLAGS)
# One process more than there are cores, since tests wait about as much as they work.
SPREAD := $(PYTEST) --numprocesses $(shell $(PYTHON) -c 'import os; print(os.cpu_count() + 1)') --dist loadfile --max-worker-restart 0

RUNTIME := $(VENV)/.runtime
DEVELOPMENT := $(VENV)/.development
NODE_MODULES := web/node_modules/.installed
WEB := edge/static/.built
PLAYERS := tests/e2e/players/node_modules/.installed
OIDC := tests/integration/oidc/node_modules/.installed
CONTRACTS := protos/node_modules/.installed
KAFKA := build/kafka/.installed
MINIO := build/minio/minio
MINIO_VERSION := v0.0.0-20260212201848-7aac2a2c5b7c
GO ?= $(shell PATH="$$PATH:/usr/local/go/bin" command -v go)

# What the tests can do without is not there then, and they say so at their end.
OR_WITHOUT = || echo "$@ could not be had"

# The shell gets a film's name through the environment, whatever characters it is made of.
override export FILE := $(value FILE)

# Commands and services are started again and again, and what Python has compiled once is there the next time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test unit bench lint protos services minio web screenshots clean
.DELETE_ON_ERROR:

## demo: everything on this machine, with a film in it (FILE=movie.mkv, PORT=8080, ONCE=1)
demo: $(RUNTIME) $(WEB)
	@$(BIN)/matinee demo $(if $(PORT),--port $(PORT)) $(if $(ONCE),--once) $(if $(FILE),-- "$$FILE")

## test: everything that can run on this machine
test: $(DEVELOPMENT) $(WEB) $(PLAYERS) $(OIDC) $(KAFKA) $(if $(GO),$(MINIO))
	$(NPM) --prefix web run --silent test
	$(SPREAD) tests/unit tests/contract
	$(PYTEST) tests/integration tests/e2e

## unit: the quick part of the tests, on all cores; what has several implementations is tested by `make test` alone
unit: $(DEVELOPMENT)
	$(SPREAD) tests/unit

## services: the real services on loopback, until Ctrl-C, and the settings by which `matinee up` uses them
services: $(DEVELOPMENT) $(KAFKA) $(OIDC)
	@$(BIN)/python -m tests.services

## bench: the tables of docs/benchmarks.md
bench: $(DEVELOPMENT) $(WEB) $(KAFKA)
	$(BIN)/python -m bench

## lint: style, types, import contracts, the protos, and the web application
lint: $(DEVELOPMENT) $(NODE_MODULES) $(CONTRACTS)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m protos.lint
	$(NPM) --prefix web run --silent check

## protos: the Python code of the contracts
protos: $(DEVELOPMENT)
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/python -m protos.generate

## screenshots: the pictures of the README, of TITLE on the instance that runs on DATA
screenshots: $(DEVELOPMENT)
	$(BIN)/python docs/screenshot.py --data $(or $(DATA),matinee-data) $(TITLE)

## web: the browser application
web: $(WEB)

## minio: a second S3 server for the tests, where Go is
minio: $(MINIO)

clean:
	rm -rf $(VENV) build web/node_modules edge/static tests/e2e/players/node_modules tests/integration/oidc/node_modules protos/node_modules

$(BIN)/python:
	@echo "Making the environment in $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Matinee needs Python 3.11 or later: make PYTHON=python3.11 …")'
	@$(PYTHON) -m venv $(VENV)

$(RUNTIME): $(BIN)/python requirements/build.txt requirements/clips.txt pyproject.toml
	@echo "Installing what Matinee needs"
	@$(INSTALL) -r requirements/build.txt
	@$(INSTALL) -r requirements/clips.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEVELOPMENT): $(RUNTIME) requirements/dev.txt requirements/ratings.txt
	@echo "Installing what the tests need"
	@$(INSTALL) -r requirements/dev.txt
	@$(INSTALL) -r requirements/ratings.txt
	@touch $@

$(NODE_MODULES): $(RUNTIME) web/package.json web/package-lock.json
	@echo "Installing what the web application needs"
	@$(NPM) --prefix web ci --silent
	@touch $@

$(WEB): $(NODE_MODULES) web/index.html $(wildcard web/*.ts) $(shell find web/src web/public -type f 2>/dev/null)
	@echo "Building the web application"
	@$(NPM) --prefix web run --silent build
	@touch $@

$(PLAYERS): $(RUNTIME) tests/e2e/players/package.json tests/e2e/players/package-lock.json
	@echo "Installing the players of the tests"
	@$(NPM) --prefix tests/e2e/players ci --silent
	@touch $@

$(OIDC): $(RUNTIME) tests/integration/oidc/package.json tests/integration/oidc/package-lock.json
	@echo "Installing the OpenID provider of the tests"
	@$(NPM) --prefix tests/integration/oidc ci --silent
	@touch $@

$(MINIO):
	@echo "Building MinIO, which takes some minutes"
	@GOBIN="$(abspath $(@D))" GOFLAGS=-modcacherw $(GO) install github.com/minio/minio@$(MINIO_VERSION) $(OR_WITHOUT)

$(CONTRACTS): $(RUNTIME) protos/package.json protos/package-lock.json
	@$(NPM) --prefix protos ci --silent
	@touch $@

$(KAFKA): $(DEVELOPMENT) tests/services/kafka.lock
	@echo "Fetching the jars of Kafka"
	@{ $(BIN)/python -m tests.services.kafka_jars && touch $@; } $(OR_WITHOUT)
