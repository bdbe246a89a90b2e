"""The recipe, from nothing: `python benchmarks/world/train.py` writes both models (14 minutes on 2 cores).

1. The policy learns from demonstrations that err in known ways (examples.POLICY_ERRORS).
2. It solves training stories; the world labels every step.
3. The verifier starts from the policy's weights and learns the labels of these and of the generator's chains.

Seeds are fixed: one machine gives the same weights again, another one the same figures within noise.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

MODELS = Path(__file__).parents[2] / "ttc/nano/models"
SEED = 0
DEMONSTRATIONS = 40_000
SAMPLES, SIBLINGS, SAMPLE_TEMPERATURE = 8_000, 2, 0.9
CHAINS = 36_000
POLICY_RATES = (1.5e-2, 5e-3)
VERIFIER_RATES = (1e-2, 4e-3)
"""Learning rates of Muon (matrices of the blocks) and AdamW (the rest)."""


def note(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def greedy_accuracy(folder: Path, count: int = 500) -> float:
    """Share of training-side stories solved at temperature 0: a figure to watch, never one to report."""
    import random
    from itertools import islice

    import model
    import sample
    from lessons import training_stories

    stories = list(islice(training_stories(random.Random("ttc-nano-watch")), count))
    solved = sample.sample(model.load(folder), stories, 0.0)
    return sum(solution.steps[-1] == rf"\boxed{{{story.answer}}}" for story, solution in solved) / count


def train_policy(folder: Path) -> None:
    import examples
    import model

    policy = model.create(SEED)
    model.fit(policy, examples.policy_examples(DEMONSTRATIONS, SEED + 1), POLICY_RATES, seed=SEED, note=note)
    model.save(policy, folder)


def train_verifier(policy_folder: Path, folder: Path) -> None:
    import examples
    import model
    import sample

    verifier = model.load(policy_folder)
    samples = sample.training_samples(verifier, SAMPLES, SIBLINGS, SAMPLE_TEMPERATURE, SEED + 2)
    right = sum(solution.wrong is None for _, solution in samples) / len(samples)
    note(f"{len(samples):,} samples, {right:.1%} right")
    texts = examples.verifier_examples(samples, CHAINS, SEED + 3)
    model.fit(verifier, texts, VERIFIER_RATES, classes=examples.verdict_classes(), seed=SEED, note=note)
    model.save(verifier, folder)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train both nano models.")
    parser.add_argument("--folder", type=Path, default=MODELS)
    parser.add_argument("--only", choices=("policy", "prm"), help="the prm needs the policy in the folder")
    options = parser.parse_args()
    # Spinning OpenMP threads starve each other on few cores; libgomp reads this when torch loads.
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    import torch

    torch.set_num_threads(2)
    began = time.time()
    if options.only != "prm":
        note(f"policy: {DEMONSTRATIONS:,} demonstrations")
        train_policy(options.folder / "policy")
        note(f"policy written, greedy {greedy_accuracy(options.folder / 'policy'):.1%} on training stories")
    if options.only != "policy":
        note(f"verifier: {SAMPLES:,} samples of the policy, {CHAINS:,} chains")
        train_verifier(options.folder / "policy", options.folder / "prm")
    note(f"done in {(time.time() - began) / 60:.0f} minutes")


if __name__ == "__main__":
    main()
