"""A study of 200 runs on two workers against one: a line for docs/performance.md.

Usage: python bench/python/study.py [--seeds N]
"""

import argparse
import concurrent.futures
import multiprocessing
import time

import numpy as np
import undying


def seconds(workers, seeds):
    draw = np.random.default_rng(1)
    X, y = draw.normal(size=(4000, 20)).astype(np.float32), draw.integers(0, 4, 4000)
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(workers, mp_context=context) as pool:
        list(pool.map(abs, range(8 * workers)))  # started, and not counted
        start = time.perf_counter()
        undying.compare(X, y, model="mlp:64x4", activations="leaky_relu:0.1,elu", seeds=seeds, epochs=5, executor=pool)
        return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=50)  # of 4 arms
    seeds = parser.parse_args().seeds
    one, two = seconds(1, seeds), seconds(2, seeds)
    print(f"{4 * seeds} runs: {one:.1f} s on one worker, {two:.1f} s on two: {one / two:.2f} times as fast")


if __name__ == "__main__":
    main()
