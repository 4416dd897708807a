# `make` alone says what there is. Choose the Python with PYTHON=python3.12.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := .venv-demo
SOURCES := $(shell find amalthea -name '*.py' 2>/dev/null)

ALL := .venv-all
BENCH := .venv-bench
OLDEST := .venv-oldest
CLUSTER := .venv-cluster
SERVING := .venv-serving
MLSERVER := .venv-mlserver
# Packages of npm for checks of export targets, which test-targets installs.
PACKAGES := AMALTHEA_NODE_MODULES=tests/export/javascript/node_modules
# Tests that name their backends themselves; the others run on the chosen one.
THEIR_OWN := distribution/test_devices.py distribution/test_faults.py distribution/test_launch.py distribution/test_launchers.py \
	distribution/test_spark.py distribution/test_ray.py \
	engine/passes/test_partition.py engine/primitives/test_collectives.py engine/primitives/test_primitives.py engine/primitives/test_linear_algebra.py \
	engine/primitives/test_complex_numbers.py \
	engine/backends/test_backends.py engine/backends/test_foreign.py engine/backends/test_interop.py \
	engine/backends/test_native_call.py \
	export serve engine/backends/test_second_class.py engine/backends/test_segments.py engine/backends/tensorflow \
	cli/test_inspect.py saving/test_browser_files.py saving/test_checkpoint_files.py saving/test_published_holes.py \
	saving/test_damaged_formats.py saving/test_files_for_keras.py saving/test_golden_files.py \
	saving/test_tensorflow_files.py saving/test_written_files.py export/test_saved_model.py \
	layers/native applications/test_architectures.py benchmarks data/test_dataset.py datasets utils/test_directories.py utils/test_timeseries.py wrappers \
	utils/test_models_and_sessions.py properties/test_accumulation.py properties/test_agreement.py \
	properties/test_checks_can_fail.py properties/test_docstrings.py properties/test_errors_agree.py \
	properties/test_glossary.py properties/test_house.py properties/test_overhead.py properties/test_thread_state.py \
	properties/test_threads.py properties/test_users_names.py ops/test_vocabulary_gradients.py test_tree.py \
	preprocessing quantizers/test_calibrated.py compat/test_examples.py compat/test_utils.py compat/test_scikit_learn.py compat/test_signs.py compat/test_signatures.py \
	compat/test_importer.py compat/test_calls.py compat/test_tensorflow.py cli/test_run.py compat/test_upgrade.py compat/test_drift.py compat/test_notebooks.py \
	compat/test_spelling.py

.PHONY: help demo horovod test test-all test-serving test-targets test-cluster test-oldest test-newest test-drift check types-all format pages bench clean

help: ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1	\2/p' $(MAKEFILE_LIST) | expand -t 16

demo: $(DEMO)/ready ## train a small network on digits with nothing but the base install
	$(DEMO)/bin/amalthea demo

test: $(VENV)/ready ## run every test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

test-all: $(ALL)/ready ## run every test with every backend installed, and all that are quick once on each
	OMP_NUM_THREADS=1 $(ALL)/bin/python -m pytest -n 2
	for backend in numpy torch tensorflow jax; do \
		echo "On $$backend:"; \
		OMP_NUM_THREADS=1 AMALTHEA_BACKEND=$$backend $(ALL)/bin/python -m pytest -n 2 -m "not slow" tests \
			$(THEIR_OWN:%=--ignore=tests/%) || exit 1; \
	done

test-targets: $(ALL)/ready ## run exported files in every runtime: Node, Chromium, the JVM, arm64 (npm, pip, Debian)
	cd tests/export/javascript && npm install --silent --no-audit --no-fund --ignore-scripts
	$(ALL)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[executorch]' safetensors
	$(ALL)/bin/python -m tests.export.runtimes.fetch
	$(PACKAGES) OMP_NUM_THREADS=1 $(ALL)/bin/python -m pytest -n 2 --dist loadgroup tests/export
	OMP_NUM_THREADS=1 $(ALL)/bin/python -m tests.export.runtimes

test-cluster: $(CLUSTER)/ready ## run every launcher with two processes, and print the worst difference of their losses (Java for Spark)
	OMP_NUM_THREADS=1 RAY_AUTH_MODE=disabled $(CLUSTER)/bin/python -m pytest -n 0 tests/distribution
	OMP_NUM_THREADS=1 RAY_AUTH_MODE=disabled $(CLUSTER)/bin/python -m tests.distribution.table

horovod: $(ALL)/ready ## build Horovod for the environment of every backend (cmake, four minutes)
	sh tests/distribution/build_horovod.sh $(ALL)/bin/python

test-serving: $(SERVING)/ready $(MLSERVER)/ready ## run the tests of the server with clients and servers of others
	OMP_NUM_THREADS=1 $(SERVING)/bin/python -m pytest -n 2 tests/serve
	OMP_NUM_THREADS=1 $(MLSERVER)/bin/python -m pytest tests/serve/test_serving_examples.py -k mlserver

test-oldest: $(OLDEST)/ready ## run every test with the oldest versions that the package admits
	OMP_NUM_THREADS=1 $(OLDEST)/bin/python -m pytest -n 2

test-newest: $(VENV)/ready ## run every test with the newest versions that there are today
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --upgrade-strategy eager \
		--editable '.[test]'
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

test-drift: test-oldest test-newest ## both in turn

check: $(VENV)/ready-dev ## format, lint, types and the fast tests, in about a minute
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -q -m "not slow"

types-all: $(VENV)/ready-dev $(ALL)/ready ## types of the backends too, with every library installed
	$(BIN)/pyright --project pyrightconfig.all.json --pythonpath $(ALL)/bin/python

format: $(VENV)/ready-dev ## lay out the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

pages: $(ALL)/ready ## measure every backend and export target, and write the tables of docs/ and the README
	OMP_NUM_THREADS=1 $(ALL)/bin/python -m amalthea backends --write docs/backends.md README.md
	$(PACKAGES) OMP_NUM_THREADS=1 $(ALL)/bin/python -m tests.export.page
	OMP_NUM_THREADS=1 $(ALL)/bin/python -m tests.export.runtimes --write

bench: $(BENCH)/ready ## time everything beside loops written by hand and Keras 3 (hours)
	$(BENCH)/bin/python -m benchmarks --out docs/benchmarks
	$(BENCH)/bin/python -m benchmarks.imports --out docs/benchmarks

clean: ## delete what the others made
	rm -rf $(VENV) $(ALL) $(DEMO) $(BENCH) $(OLDEST) $(CLUSTER) $(SERVING) $(MLSERVER) dist .pytest_cache .ruff_cache amalthea-demo.keras
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@

$(ALL)/ready: pyproject.toml
	$(PYTHON) -m venv $(ALL)
	$(ALL)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[test,all]'
	touch $@

$(CLUSTER)/ready: pyproject.toml
	$(PYTHON) -m venv $(CLUSTER)
	$(CLUSTER)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[test,cluster]'
	touch $@

$(OLDEST)/ready: pyproject.toml amalthea/cli/tested.py
	$(PYTHON) -m venv --clear $(OLDEST)
	$(PYTHON) amalthea/cli/tested.py > $(OLDEST)/oldest.txt
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check --constraint $(OLDEST)/oldest.txt \
		--editable . pytest==8.0.0 pytest-xdist==3.5.0
	touch $@

$(SERVING)/ready: pyproject.toml
	$(PYTHON) -m venv $(SERVING)
	$(SERVING)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[test]' \
		'tritonclient[all]' kserve flask fastapi
	touch $@

# MLServer needs an older FastAPI than KServe.
$(MLSERVER)/ready: pyproject.toml
	$(PYTHON) -m venv $(MLSERVER)
	$(MLSERVER)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[serve]' \
		'mlserver>=1.7' 'pytest>=8'
	touch $@

$(BENCH)/ready: pyproject.toml
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[all]' keras
	touch $@

$(VENV)/ready-dev: $(VENV)/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

$(DEMO)/ready: pyproject.toml $(SOURCES)
	test -x $(DEMO)/bin/python || $(PYTHON) -m venv $(DEMO)
	$(DEMO)/bin/python -m pip install --quiet --disable-pip-version-check .
	touch $@
