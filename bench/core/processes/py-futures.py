#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""concurrent.futures.ProcessPoolExecutor, two workers: wall ns for each call."""
import os
import time
from concurrent.futures import ProcessPoolExecutor

QUICK = 10 if os.environ.get("BENCH_QUICK") else 1


def nothing(argument):
    return argument


def measure(name, n, work):
    before = time.monotonic_ns()
    work(n)
    print(f"{name} {(time.monotonic_ns() - before) / n:.0f}", flush=True)


if __name__ == "__main__":
    with ProcessPoolExecutor(2) as pool:
        pool.submit(nothing, 0).result()
        measure("rt", 2000 // QUICK, lambda n: [pool.submit(nothing, i).result() for i in range(n)])
        measure("many", 10000 // QUICK,
                lambda n: [f.result() for f in [pool.submit(nothing, i) for i in range(n)]])
        measure("map", 100000 // QUICK, lambda n: list(pool.map(nothing, range(n), chunksize=100)))
