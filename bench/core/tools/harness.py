#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Builds and runs the core benches, prints tables, writes results.json.

An entry is a C/C++/Go/Rust source (built into OUT/GROUP/NAME), an executable file in GROUP/,
or tweed's own, which `make bench` has left in OUT/GROUP/tweed.  OUT is the environment's
BENCH_OUT.  Micro groups print "case value" lines; server groups are started as `ENTRY PORT`."""
import argparse
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OUT = os.environ["BENCH_OUT"]
MICRO = ["deferred", "switch", "limit", "loop", "threads", "processes", "tls"]
SERVERS = ["echo", "line", "http"]
LIBS = ("-levent -levent_pthreads -levent_openssl -luv -lev -luring -lmicrohttpd -lssl -lcrypto "
        "-lpthread -lm").split()
LIBS_OF = {"libpcl": ["-lpcl"], "gnu-pth": ["-lpth"], "boost-fcontext": ["-lboost_context"]}
SLOW_ONES = ("glib", "py-uvloop", "gnu-pth", "py-gevent")    # left out of a quick run
NOT_COUNTED = ("go", "rust", "gnu-pth", "os-thread", "boost-fib")
TICK = os.sysconf("SC_CLK_TCK")
env = dict(os.environ, WWW=OUT + "/www", RUNDIR=OUT + "/run", CERTS=OUT + "/certs")
results = {}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer operations, entries and cases")
    parser.add_argument("--rounds", type=int, help="default 3")
    parser.add_argument("--only", default="", help="groups: " + ",".join(MICRO + SERVERS + ["count"]))
    parser.add_argument("--entry", default="", help="only names that match this regular expression")
    a = parser.parse_args()
    a.rounds = a.rounds or (1 if a.quick else 3)
    a.groups = a.only.split(",") if a.only else (
        ["deferred", "switch", "limit", "loop", "threads", "processes"] + (["echo", "http"] if a.quick else SERVERS)
        + ["tls", "count"])
    if a.quick:
        env["BENCH_QUICK"] = "1"
    return a


def run(*command, **options):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          env=env, **options)


# --- building ----------------------------------------------------------------------------------

def newer(sources, target):
    return not os.path.exists(target) or any(
        os.path.getmtime(s) > os.path.getmtime(target) for s in sources)


def prepare():
    for name in MICRO + SERVERS + ["www", "run", "certs"]:
        os.makedirs(f"{OUT}/{name}", exist_ok=True)
    for name, body in (("hello", b"Hello, World!"), ("1k", b"x" * 1024), ("1m", b"x" * (1 << 20))):
        with open(f"{OUT}/www/{name}", "wb") as f:
            f.write(body)
    keys = {"ec": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], "rsa": ["rsa:2048"]}
    for name, key in keys.items():
        if not os.path.exists(f"{OUT}/certs/{name}.crt"):
            run("openssl", "req", "-x509", "-newkey", *key, "-nodes", "-keyout",
                f"{OUT}/certs/{name}.key", "-out", f"{OUT}/certs/{name}.crt", "-days", "3650",
                "-subj", "/CN=localhost")


def compiler(source, target, glib, include):
    name = os.path.splitext(os.path.basename(source))[0]
    if source.endswith(".c"):
        return ["gcc", "-O2", "-w", *include, source, "-o", target, *glib, *LIBS,
                *LIBS_OF.get(name, [])]
    if source.endswith(".cc"):
        return ["g++", "-O2", "-w", *include, source, "-o", target, "-Wl,--as-needed",
                "-lboost_thread", "-lboost_fiber", "-lboost_context", "-lboost_system", "-lpthread"]
    if source.endswith(".go"):
        return ["go", "build", "-o", target, source]
    return ["rustc", "--edition", "2021", "-O", source, "-o", target]


def build():
    prepare()
    glib = run("pkg-config", "--cflags", "--libs", "gio-2.0").stdout.split()
    folders = ["tools"] + MICRO + SERVERS
    include = [f"-I{HERE}/{folder}" for folder in folders]
    shared = [f"{HERE}/{folder}/{name}" for folder in folders
              for name in os.listdir(f"{HERE}/{folder}") if name.endswith(".h")]
    shared += [f"{HERE}/{name}" for name in
               ("loop/libevent.c", "echo/libevent.c", "echo/raw-epoll.c")]
    jobs = [(f"{HERE}/tools/load.c", f"{OUT}/load")]
    for group in MICRO + SERVERS:
        for name in sorted(os.listdir(f"{HERE}/{group}")):
            stem, suffix = os.path.splitext(name)
            if suffix in (".c", ".cc", ".go", ".rs") and stem.split("-")[0] != "tweed":
                jobs.append((f"{HERE}/{group}/{name}", f"{OUT}/{group}/{stem}"))
    for source, target in jobs:
        if newer([source] + shared, target):
            done = subprocess.run(compiler(source, target, glib, include), stderr=subprocess.PIPE,
                                  text=True, env=dict(env, GOFLAGS="-mod=mod", GO111MODULE="off"))
            if done.returncode:
                why = (done.stderr.strip().splitlines() or ["failed"])[-1]
                print(f"  skipped {os.path.relpath(source, HERE)}: {why}")
    run("gcc", "-O2", "-shared", "-fPIC", f"{HERE}/tools/count.c", "-o", f"{OUT}/count.so")


def entries(group):
    found = {}
    for folder in (f"{OUT}/{group}", f"{HERE}/{group}"):
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            path = f"{folder}/{name}"
            if os.path.isfile(path) and os.access(path, os.X_OK):
                found[re.sub(r"\.(py|mjs|sh)$", "", name)] = path
    return {name: path for name, path in found.items() if re.search(a.entry, name)}


# --- tables ------------------------------------------------------------------------------------

def number(x):
    return f"{x:,.1f}" if x < 100 else f"{x:,.0f}"


def cell(value):
    return "-" if value is None else value if isinstance(value, str) else f"{value:,.0f}"


def table(title, rows, columns):
    width = max([len(name) for name in rows] + [8])
    print(f"\n## {title}")
    print(" " * width + "".join(f"{c:>13}" for c in columns))
    for name, row in rows.items():
        print(f"{name:<{width}}" + "".join(f"{cell(row.get(c)):>13}" for c in columns))
    sys.stdout.flush()


def medians(taken):
    return {name: {case: statistics.median(values) for case, values in cases.items() if values}
            for name, cases in taken.items()}


# --- micro benches -----------------------------------------------------------------------------

def micro(group):
    taken = {}
    for _ in range(a.rounds):
        for name, path in entries(group).items():
            if a.quick and name in SLOW_ONES and not a.entry:
                continue
            try:
                done = subprocess.run([path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                      text=True, env=env, timeout=180, cwd=OUT)
            except subprocess.TimeoutExpired:
                continue
            for line in done.stdout.splitlines():
                match = re.fullmatch(r"(\S+) (-?[\d.]+)", line.strip())
                if match:
                    taken.setdefault(name, {}).setdefault(match[1], []).append(float(match[2]))
    rows = medians(taken)
    columns = list(dict.fromkeys(case for row in rows.values() for case in row))
    results[group] = rows
    table(f"{group} (CPU ns per op; bytes where named)",
          {name: {case: number(x) for case, x in row.items()} for name, row in rows.items()}, columns)


# --- servers -----------------------------------------------------------------------------------

last_port = 23000 + os.getpid() % 4000


def processes(session):
    """(pid, clock ticks used) of every process of a session."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as f:
                fields = f.read().rsplit(") ", 1)[1].split()
            if int(fields[3]) == session:
                found.append((int(pid), int(fields[11]) + int(fields[12])))
        except (OSError, IndexError):
            pass
    return found


def cpu(session):
    """CPU seconds; finer than ticks where the kernel offers schedstat."""
    total = 0.0
    for pid, ticks in processes(session):
        try:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/schedstat") as f:
                    total += int(f.read().split()[0]) / 1e9
        except (OSError, IndexError):
            total += ticks / TICK
    return total


def resident(session):
    total = 0
    for pid, _ in processes(session):
        with open(f"/proc/{pid}/statm") as f:
            total += int(f.read().split()[1]) * 4096
    return total


def start(path, before=()):
    """Starts a server on core 0; (process, port), or (None, 0) if it does not answer."""
    global last_port
    last_port += 1
    with open(f"{OUT}/run/err-{os.getpid()}", "w") as err:
        server = subprocess.Popen(["taskset", "-c", "0", *before, path, str(last_port)], env=env,
                                  cwd=OUT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=err, start_new_session=True)
    for _ in range(600):
        try:
            socket.create_connection(("127.0.0.1", last_port), 1).close()
            time.sleep(0.05)
            return server, last_port
        except OSError:
            time.sleep(0.02)
        if server.poll() is not None:
            break
    stop(server)
    return None, 0


def signal_all(session, number_):
    for pid, _ in processes(session):
        try:
            os.kill(pid, number_)
        except OSError:
            pass


def stop(server):
    signal_all(server.pid, signal.SIGTERM)
    try:
        server.wait(5)
    except subprocess.TimeoutExpired:
        signal_all(server.pid, signal.SIGKILL)
        server.wait()


def on_core_1(*command):
    return run("taskset", "-c", "1", *command).stdout


SLABS = ("TCP", "sock_inode_cache", "filp", "dentry", "ep_head", "eventpoll_epi", "eventpoll_pwq",
         "request_sock_TCP")


def kernel_slabs():
    try:
        with open("/proc/slabinfo") as f:
            rows = (line.split() for line in f)
            return sum(int(row[1]) * int(row[3]) for row in rows if row[0] in SLABS)
    except OSError:
        return 0


def idle_memory(server, port, *path):
    """Bytes of the server, and of the kernel's, for each of many idle connections."""
    idle = 1000 if a.quick else 9000
    before, slabs = resident(server.pid), kernel_slabs()
    with subprocess.Popen([f"{OUT}/load", "hold", str(port), str(idle), *path], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as load:
        if not load.stdout.readline().startswith("ready"):
            return {}
        time.sleep(0.3)
        return {"idle rss B": [(resident(server.pid) - before) / idle],
                "idle kern B": [(kernel_slabs() - slabs) / idle / 2]}


def each_server(group):
    """(round, name, its figures, server, port) for every entry that starts, in interleaved rounds."""
    taken = {}
    for turn in range(a.rounds):
        for name, path in entries(group).items():
            figures = taken.setdefault(name, {})
            server, port = start(path)
            if server:
                yield turn, figures, server, port
                stop(server)
    results[group] = medians(taken)


def tcp(group):
    seconds = "0.4" if a.quick else "1"
    cases = [("c50", "50", "1")]
    if not a.quick:
        cases += [("c50x16", "50", "16"), ("c1000", "1000", "1")]
    for turn, figures, server, port in each_server(group):
        for case, connections, depth in cases:
            used, began = cpu(server.pid), time.time()
            told = on_core_1(f"{OUT}/load", "echo", str(port), connections, seconds, "64", depth).split()
            used, took = cpu(server.pid) - used, time.time() - began
            if len(told) == 3 and used > 0:
                rate, p50, p99 = map(float, told)
                for what, value in (("/cpu", rate * took / used), ("/s", rate), (" p50us", p50), (" p99us", p99)):
                    figures.setdefault(case + what, []).append(value)
        if turn == 0 and group == "echo" and not a.quick:
            figures.update(idle_memory(server, port))
    columns = [c + what for c, _, _ in cases for what in ("/cpu", "/s", " p50us", " p99us")]
    table(f"{group}: 64-byte messages; /cpu = messages per CPU second of the server, /s = messages per "
          "wall second", results[group], columns + ["idle rss B", "idle kern B"] * (group == "echo"))


def http():
    pipeline = ["-s", HERE + "/tools/pipeline.lua"]
    cases = [("hello", "/hello", []), ("pipe16", "/hello", pipeline), ("1k", "/1k", []),
             ("1m", "/1m", []), ("close", "/hello", ["-H", "Connection: close"])]
    if a.quick:
        cases = cases[:1]
    for turn, figures, server, port in each_server("http"):
        for case, path, extra in cases:
            used = cpu(server.pid)
            told = on_core_1("wrk", "-t1", "-c" + ("8" if case == "1m" else "50"), "-d1s", "--latency",
                             *extra, f"http://127.0.0.1:{port}{path}")
            used = cpu(server.pid) - used
            done = re.search(r"(\d+) requests in ([\d.]+)s", told)
            p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", told)
            if done and used > 0 and "Non-2xx" not in told:
                figures.setdefault(case + "/cpu", []).append(int(done[1]) / used)
                figures.setdefault(case + "/s", []).append(int(done[1]) / float(done[2]))
                if p99:
                    us = float(p99[1]) * {"us": 1, "ms": 1e3, "s": 1e6}[p99[2]]
                    figures.setdefault(case + " p99us", []).append(us)
        if turn == 0 and not a.quick:
            figures.update(idle_memory(server, port, "/hello"))
    table("http: requests per CPU second of the server (1 process, core 0; wrk on core 1)", results["http"],
          [case + "/cpu" for case, _, _ in cases] + ["hello/s", "hello p99us", "idle rss B", "idle kern B"])


# --- counts that come out the same on a noisy machine -------------------------------------------

def instructions(command):
    done = subprocess.run(["valgrind", "--tool=callgrind",
                           f"--callgrind-out-file={OUT}/run/cg-{os.getpid()}", *command],
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=env, timeout=120)
    match = re.search(r"Collected : (\d+)", done.stderr)
    return int(match[1]) if match else None


def allocations(command):
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          env=dict(env, LD_PRELOAD=OUT + "/count.so"), timeout=120)
    match = re.search(r"allocs (\d+)", done.stderr)
    return int(match[1]) if match else 0


def is_elf(path):
    with open(path, "rb") as f:
        return f.read(4) == b"\x7fELF"


def count_micro():
    rows = {}
    for group, cases, n in (("deferred", ("fire1", "chain10", "nested", "all1000"), 10000),
                            ("switch", ("switch", "create"), 10000),
                            ("loop", ("t_reset", "post", "r100"), 20000)):
        for name, path in entries(group).items():
            if not is_elf(path) or name.startswith(NOT_COUNTED):
                continue
            for case in cases:
                once, twice = [path, case, str(n)], [path, case, str(2 * n)]
                try:
                    x, y = instructions(once), instructions(twice)
                except subprocess.TimeoutExpired:
                    continue
                if not x or not y or y - x <= n:
                    continue
                text = number((y - x) / n)
                if group == "deferred":
                    text += f" ({(allocations(twice) - allocations(once)) / n:.2g})"
                rows.setdefault(f"{group}/{name}", {})[case] = text
    table("user-space instructions per op (callgrind); in brackets, heap allocations per op", rows,
          ["fire1", "chain10", "nested", "all1000", "t_reset", "post", "r100"])
    results["count"] = rows


def count_servers():
    rows = {}
    env["NGINX_EXTRA"] = "master_process off;"   # one process to count
    valgrind = ("valgrind", "--tool=callgrind", "--trace-children=yes",
                f"--callgrind-out-file={OUT}/run/cg.%p")
    for group, path in (("echo", []), ("http", ["/hello"])):
        for name, exe in entries(group).items():
            if name in ("go", "io-uring") or not (is_elf(exe) or name in ("nginx", "h2o", "lighttpd")):
                continue
            collected = []
            for n in (2000, 6000):
                server, port = start(exe, valgrind)
                if not server:
                    break
                on_core_1(f"{OUT}/load", "count", str(port), "10", str(n), *path)
                stop(server)
                with open(f"{OUT}/run/err-{os.getpid()}") as f:
                    collected.append(sum(map(int, re.findall(r"Collected : (\d+)", f.read()))))
            if len(collected) == 2:
                rows[f"{group}/{name}"] = {"instr/msg": number((collected[1] - collected[0]) / 4000)}
    table("server user-space instructions per message / request (10 connections)", rows, ["instr/msg"])
    results["count-servers"] = rows


def save():
    """Adds what was measured to what earlier runs left."""
    path = OUT + "/results.json"
    try:
        with open(path) as f:
            kept = json.load(f)
    except (OSError, ValueError):
        kept = {}
    with open(path, "w") as f:
        json.dump({**kept, **results}, f, indent=1)


def main():
    began = time.time()
    build()
    for group in a.groups:
        group_began = time.time()
        if group in MICRO:
            micro(group)
        elif group in ("echo", "line"):
            tcp(group)
        elif group == "http":
            http()
        elif group == "count" and not a.quick:
            count_micro()
            count_servers()
        print(f"({group}: {time.time() - group_began:.0f} s)")
    if not a.quick:
        save()
    print(f"\n{time.time() - began:.0f} s, {a.rounds} round(s)")


a = arguments()
main()
