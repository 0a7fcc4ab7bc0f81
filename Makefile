# make demo     the main job: alanine dipeptide, hybrid against plain MD (ten minutes, results in out/)
# make test     everything that CI runs (under twenty minutes)
# make lint     formatting, linting, types, dependencies between layers
# make asan     C++ tests under the address and undefined-behaviour sanitizers
# make nightly  longer science: rebuilds the bundled checkpoint, runs the benchmarks
# make clean    removes what the other targets made, except the virtual environment

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := .make
SHELL := /bin/bash
export OMP_NUM_THREADS ?= 1

SOURCES := CMakeLists.txt pyproject.toml $(wildcard plugin/include/genmd/*.h plugin/src/* python/*)
# CMake and Ninja come from the environment's own packages, not from the machine.
TOOLS := PATH="$(CURDIR)/$(BIN):$$PATH"

.PHONY: install demo test test-cpp test-python lint format asan nightly checkpoint reference clean

install: $(STAMPS)/installed

$(STAMPS)/environment: pyproject.toml
	@mkdir -p $(STAMPS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "openmm-genmd needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	@# This release has a CPU build where one is on offer; a bare "torch" takes gigabytes of CUDA.
	$(BIN)/pip install --quiet "torch==2.13.0"
	@touch $@

$(STAMPS)/installed: $(STAMPS)/environment $(SOURCES)
	$(BIN)/pip install --quiet --editable '.[all]'
	@touch $@

demo: install
	$(BIN)/python examples/alanine_dipeptide_demo.py

test: install test-cpp test-python

test-python: install
	$(BIN)/pytest -m "not nightly"

build-tests build-asan: build-%: install
	$(TOOLS) cmake -G Ninja -S . -B $@ -DPython_EXECUTABLE=$(CURDIR)/$(BIN)/python -DGENMD_BUILD_PYTHON=OFF \
	    -DGENMD_BUILD_TESTS=ON -DGENMD_SANITIZE=$(if $(filter asan,$*),ON,OFF) > /dev/null
	$(TOOLS) cmake --build $@
.PHONY: build-tests build-asan

test-cpp: build-tests
	$(TOOLS) ctest --test-dir build-tests --output-on-failure

asan: build-asan
	$(TOOLS) ctest --test-dir build-asan --output-on-failure

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/clang-format --dry-run --Werror $(wildcard plugin/include/genmd/*.h plugin/src/* python/*.h python/*.cpp tests/cpp/*.h tests/cpp/*.cpp)

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/clang-format -i $(wildcard plugin/include/genmd/*.h plugin/src/* python/*.h python/*.cpp tests/cpp/*.h tests/cpp/*.cpp)

clean:
	rm -rf build build-tests build-asan out $(STAMPS)/installed
