# make demo     the main job: alanine dipeptide, hybrid against plain MD (ten minutes, results in out/)
# make test     everything that CI runs (under twenty minutes)
# make opencl   installs OpenCL headers and PoCL (OpenCL on the CPU) from Debian for the tests, where it may
# make lint     formatting, linting, types, dependencies between layers
# make asan     C++ tests under the address and undefined-behaviour sanitizers
# make nightly  longer science: rebuilds the bundled checkpoint and compares, runs the benchmark
# make checkpoint  the bundled alanine-dipeptide checkpoint anew: data, training (five minutes); with
#               CHECKPOINT= it stays in out/checkpoint and the bundled one is left as it is
# make clean    removes what the other targets made, except the virtual environment

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := .make
SHELL := /bin/bash
export OMP_NUM_THREADS ?= 1

KERNELS := $(wildcard kernels/*/*.cpp kernels/common/src/*.h kernels/common/src/*.cpp)
SOURCES := CMakeLists.txt pyproject.toml $(wildcard plugin/include/genmd/*.h plugin/src/* python/*) \
    $(wildcard kernels/* kernels/common/src/kernels/*) $(KERNELS)
CPP := $(wildcard plugin/include/genmd/*.h plugin/src/* python/*.h python/*.cpp tests/cpp/*.h tests/cpp/*.cpp) $(KERNELS)
# CMake and Ninja come from the environment's own packages, not from the machine.
TOOLS := PATH="$(CURDIR)/$(BIN):$$PATH"

.PHONY: install opencl demo test test-cpp test-python lint format asan nightly checkpoint reference clean

install: $(STAMPS)/installed

$(STAMPS)/environment: pyproject.toml
	@mkdir -p $(STAMPS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "openmm-genmd needs Python 3.11 or newer; set PYTHON=")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	@# First, so that a CPU build is taken where one is on offer: another package's "torch" takes gigabytes of CUDA.
	@# TORCH_INDEX=https://download.pytorch.org/whl/cpu names PyTorch's own place for them.
	$(BIN)/pip install --quiet "torch==2.13.0" $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
	@touch $@

# Changes when OpenCL's headers come or go: the package is then built anew.
$(STAMPS)/opencl-headers: ALWAYS
	@mkdir -p $(STAMPS)
	@ls /usr/include/CL/opencl.h 2> /dev/null | cmp -s - $@ || ls /usr/include/CL/opencl.h > $@ 2> /dev/null || true
.PHONY: ALWAYS

$(STAMPS)/installed: $(STAMPS)/environment $(SOURCES) $(STAMPS)/opencl-headers
	$(BIN)/pip install --quiet --editable '.[all]'
	@touch $@

demo: install
	$(BIN)/python examples/alanine_dipeptide_demo.py

# The headers have to be there before the package is built.
test: opencl
	$(MAKE) test-cpp
	$(MAKE) test-python

opencl:
	@.ci/install_opencl

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
	$(BIN)/clang-format --dry-run --Werror $(CPP)

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/clang-format -i $(CPP)

CHECKPOINT := openmm_genmd/proposers/checkpoints/alanine-dipeptide.safetensors

checkpoint: install
	rm -rf out/checkpoint
	$(BIN)/genmd simulate --pdb openmm_genmd/data/structures/alanine-dipeptide.pdb \
	    --system amber99sbildn.xml,amber99_obc.xml --platform Reference --hot-time-ps 200 --runs 32 \
	    --run-time-ps 120 --frame-interval-ps 0.25 --out out/checkpoint
	$(BIN)/genmd train torsions --trajectory out/checkpoint --topology out/checkpoint/topology.pdb \
	    --lag-frames 20 --population-power 1.5 --uniform-fraction 0.05 --steps 1500 \
	    --out out/checkpoint/alanine-dipeptide.safetensors
	$(if $(CHECKPOINT),cp out/checkpoint/alanine-dipeptide.safetensors $(CHECKPOINT))

nightly: install
	$(MAKE) checkpoint CHECKPOINT=
	$(BIN)/pytest -m nightly
	$(BIN)/python benchmarks/alanine_dipeptide.py --minutes 30 --json out/alanine_dipeptide.json
	$(BIN)/python benchmarks/peptide_hybrid.py --sequence AAAA --minutes 20 --json out/peptide_hybrid_AAAA.json
	$(BIN)/python benchmarks/peptide_hybrid.py --sequence FNKV --minutes 30 --json out/peptide_hybrid_FNKV.json
	$(BIN)/python examples/explicit_solvent.py

clean:
	rm -rf build build-tests build-asan out $(STAMPS)/installed
