"""Interleaved measurements: each round runs every variant once, so that what disturbs the machine disturbs all of them."""

import statistics
import time


def measure(variants, rounds, processor=None):
    """Seconds of each variant, a list by name. `variants`: name to a function without arguments. `processor`: a dict for the seconds of
    processor time, of all threads, which other programs disturb less."""
    for run in variants.values():
        run()
    seconds = {name: [] for name in variants}
    processor = {} if processor is None else processor
    processor.update({name: [] for name in variants})
    for _ in range(rounds):
        for name, run in variants.items():
            start, used = time.perf_counter(), time.process_time()
            run()
            seconds[name].append(time.perf_counter() - start)
            processor[name].append(time.process_time() - used)
    return seconds


def ratios(seconds, name, to):
    """Round by round: median, least and greatest."""
    found = sorted(a / b for a, b in zip(seconds[name], seconds[to]))
    return statistics.median(found), found[0], found[-1]


def row(*cells):
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def head(*cells):
    row(*cells)
    print("|---" * len(cells) + "|", flush=True)
