"""A study of 200 runs on two workers against one: a line for docs/performance.md.

Usage: python bench/python/study.py [--seeds N] [--epochs N]
"""

import argparse
import concurrent.futures
import multiprocessing
import time

import numpy as np
import undying


def measured(workers, seeds, epochs):
    """Seconds, and the scores of all runs."""
    draw = np.random.default_rng(1)
    X, y = draw.normal(size=(4000, 20)).astype(np.float32), draw.integers(0, 4, 4000)
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(workers, mp_context=context) as pool:
        list(pool.map(abs, range(8 * workers)))  # started, and not counted
        start = time.perf_counter()
        study = undying.compare(X, y, model="mlp:64x4", activations="leaky_relu:0.1,elu", seeds=seeds, epochs=epochs, executor=pool)
        return time.perf_counter() - start, [run["test_loss"] for arm in study.to_dict()["arms"] for run in arm["runs"]]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=50)  # of 4 arms
    parser.add_argument("--epochs", type=int, default=25)
    options = parser.parse_args()
    seeds = options.seeds
    (one, alone), (two, together) = (measured(workers, seeds, options.epochs) for workers in (1, 2))
    assert len(alone) == 4 * seeds and alone == together, "runs of two workers are other bits than those of one"
    print(f"{4 * seeds} runs: {one:.1f} s on one worker, {two:.1f} s on two: {one / two:.2f} times as fast")


if __name__ == "__main__":
    main()
