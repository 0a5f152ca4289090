# Footnote's tasks. `make run` and `make test` set everything up themselves.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV   ?= .venv
EXTRAS ?= cpu,openvino,postgres,llms,dev
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
PORT   ?= 8000
WORKERS ?= 3
export HF_HUB_OFFLINE ?= 1

.PHONY: help setup run test test-gpu test-image faults hostile check fast bench bench-gpu eval llms calibrate train-grounding format clean

help:  ## show this help
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(STAMP)  ## create .venv with Footnote installed (EXTRAS=gpu,dev for a GPU machine)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Footnote needs Python 3.11 or newer: make PYTHON=python3.11 …") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[$(EXTRAS)]"
	@touch $@

run: setup  ## ingest the sample handbook and serve API and page on http://127.0.0.1:8000
	$(BIN)/footnote ingest samples/handbook --data-dir .footnote
	@echo
	@echo "Try, on the page at http://127.0.0.1:$(PORT) or in another terminal:"
	@echo "  curl -s http://127.0.0.1:$(PORT)/v1/ask -H 'content-type: application/json' -d '{\"question\": \"How many days of annual leave do full-time staff have in Leeds?\"}'"
	@echo
	$(BIN)/footnote serve --data-dir .footnote --port $(PORT)

test: setup  ## run all tests (WORKERS=n processes)
	$(BIN)/pytest -n $(WORKERS) --dist loadfile

faults: setup  ## kill, fail and cut the power at every write (FAULTS_SEED=n FAULTS_KILLS=n)
	$(BIN)/python -m pytest -q -m faults tests/faults

hostile: setup  ## read files made to hurt, and print what each came to
	$(BIN)/python -m pytest -q -s -m "hostile or not hostile" tests/ingest/test_hostile.py

check: setup  ## format, lint, types, fast tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -q -n $(WORKERS) --dist loadfile -m "not slow" tests/rag

bench: setup  ## print the figures that the README quotes
	$(BIN)/footnote bench ingest samples/handbook
	$(BIN)/footnote bench query
	$(BIN)/footnote bench index
	$(BIN)/python benchmarks/answers.py

test-gpu: setup  ## run the tests that need an NVIDIA GPU (EXTRAS=gpu,dev); fails where there is none
	@$(BIN)/python -m benchmarks.gpu --check
	$(BIN)/pytest -m gpu

test-image: setup  ## build the container image in a chroot and run it (root, debootstrap, minutes, 10 GB)
	$(BIN)/python -m pytest -q -s -m image tests/image

bench-gpu: setup  ## measure embedding and search on an NVIDIA GPU, and write the tables of docs/gpu.md
	@$(BIN)/python -m benchmarks.gpu

eval: setup  ## evaluate the sample handbook, and write reports/samples.html
	$(BIN)/footnote eval run samples/suite.toml

llms: setup  ## ask every row of docs/llms.md over its own protocol, on this machine
	$(BIN)/python -W ignore -m benchmarks.llm_rows

calibrate: setup  ## fit the weights of answers again (DATA=folder of development sets)
	$(BIN)/python -m eval.calibrate sentences $(DATA)
	$(BIN)/python -m eval.calibrate answerability $(DATA)

train-grounding: setup  ## train the groundedness model again, stages kept in .training (DATA=folder of development sets)
	$(BIN)/python -m eval.training $(DATA)

format: setup  ## format and fix what ruff can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:  ## remove the environment and caches (your data stays)
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
