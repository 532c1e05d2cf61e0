#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""multiprocessing.Pool, two workers: wall ns for each call."""
import multiprocessing
import os
import time

QUICK = 10 if os.environ.get("BENCH_QUICK") else 1


def nothing(argument):
    return argument


def measure(name, n, work):
    before = time.monotonic_ns()
    work(n)
    print(f"{name} {(time.monotonic_ns() - before) / n:.0f}", flush=True)


if __name__ == "__main__":
    with multiprocessing.Pool(2) as pool:
        pool.apply(nothing, (0,))
        measure("rt", 2000 // QUICK, lambda n: [pool.apply(nothing, (i,)) for i in range(n)])
        measure("many", 10000 // QUICK,
                lambda n: [r.get() for r in [pool.apply_async(nothing, (i,)) for i in range(n)]])
        measure("map", 100000 // QUICK, lambda n: pool.map(nothing, range(n), chunksize=100))
