# Every target is one line of the kit's own tool; `.venv` is made from the lock when missing or stale.
PYTHON ?= python3
BIN    := .venv/bin

.PHONY: up down test lint style bdd twins verify load lock layer
.DEFAULT_GOAL := up

up: .venv/ready        ## start the embedded cloud, provision the topology, send a demo order
	@$(BIN)/bitacora up

down: .venv/ready      ## end every process of the embedded cloud
	@$(BIN)/bitacora down

test: style            ## everything that gates a change, types too, in up to four processes
	@$(BIN)/pytest -n logical --maxprocesses 4

lint: style            ## style, import rules and types
	@$(BIN)/mypy

style: .venv/ready
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-logo

bdd: .venv/ready       ## the consistency scenarios alone, and a page about them
	@$(BIN)/pytest features --report dist/promises.html \
	  --junitxml=dist/promises.xml --cucumberjson=dist/promises.json

twins: .venv/ready     ## is each defect of the gallery found by the promise that it breaks?
	@$(BIN)/python -m features.twins

verify: test twins     ## what takes longer, too: a release is worth it
	@$(BIN)/bitacora simulate --histories 200000 --jobs 2

load: .venv/ready      ## orders at a steady rate against the running environment, then the verdict
	@$(BIN)/locust -f load/locustfile.py --headless --only-summary

.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) bootstrap.py

layer: .venv/ready     ## dist/layer: what the functions import, for Lambda on arm64
	@rm -rf dist/layer
	@$(BIN)/pip install --quiet --require-hashes --requirement requirements-lambda.lock \
	  --platform manylinux2014_aarch64 --platform manylinux_2_28_aarch64 --python-version 3.13 \
	  --only-binary :all: --target dist/layer/python

LOCK = uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --quiet \
  --no-emit-index-url --no-emit-find-links --no-annotate --no-header
lock:                  ## resolve pyproject.toml into the two lock files (needs uv)
	@$(LOCK) --extra dev -o requirements.lock
	@$(LOCK) --constraint requirements.lock -o requirements-lambda.lock
