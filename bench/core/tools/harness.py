#!/usr/bin/python3
"""Builds and runs the core benches, prints tables, writes results.json.

An entry is a C/C++/Go/Rust source (built into OUT/GROUP/NAME), an executable file in GROUP/,
or tweed's own, which `make bench` has left in OUT/GROUP/tweed.  OUT is the environment's
BENCH_OUT.  Micro groups print "case value" lines; server groups are started as `ENTRY PORT`."""
import argparse, json, os, re, signal, socket, statistics as st, subprocess as sp, sys, time
HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))); B = os.environ["BENCH_OUT"]
MICRO, SERVER = ["deferred", "limit", "loop", "threads", "tls"], ["echo", "line", "http"]
LIBS = "-levent -levent_pthreads -levent_openssl -luv -lev -luring -lmicrohttpd -lssl -lcrypto -lpthread -lm"
ap = argparse.ArgumentParser()
ap.add_argument("--quick", action="store_true"); ap.add_argument("--rounds", type=int)
ap.add_argument("--only", default=""); ap.add_argument("--entry", default="", help="only names matching this regexp")
a = ap.parse_args(); only = a.only.split(",") if a.only else ["deferred", "limit", "loop", "threads"] + (["echo", "http"] if a.quick else SERVER) + ["tls", "count"]
rounds = a.rounds or (1 if a.quick else 3)
env = dict(os.environ, WWW=B + "/www", RUNDIR=B + "/run", CERTS=B + "/certs")
if a.quick: env["BENCH_QUICK"] = "1"
results = {}

def sh(*c, **k): return sp.run(c, stdout=sp.PIPE, stderr=sp.PIPE, text=True, env=env, **k)
def newer(src, dst): return not os.path.exists(dst) or any(os.path.getmtime(s) > os.path.getmtime(dst) for s in src)
def build():
    for g in MICRO + SERVER: os.makedirs(f"{B}/{g}", exist_ok=True)
    for d in ("www", "run", "certs"): os.makedirs(f"{B}/{d}", exist_ok=True)
    for n, c in (("hello", b"Hello, World!"), ("1k", b"x" * 1024), ("1m", b"x" * (1 << 20))): open(f"{B}/www/{n}", "wb").write(c)
    for n, o in (("ec", ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]), ("rsa", ["rsa:2048"])):
        if not os.path.exists(f"{B}/certs/{n}.crt"): sh("openssl", "req", "-x509", "-newkey", *o, "-nodes", "-keyout", f"{B}/certs/{n}.key", "-out", f"{B}/certs/{n}.crt", "-days", "3650", "-subj", "/CN=localhost")
    glib = sh("pkg-config", "--cflags", "--libs", "gio-2.0").stdout.split()
    inc = [f"-I{HERE}/{d}" for d in ["tools"] + MICRO + SERVER]
    deps = [f"{HERE}/{d}/{f}" for d in ["tools"] + MICRO + SERVER for f in os.listdir(f"{HERE}/{d}") if f.endswith(".h")] + [f"{HERE}/loop/libevent.c", f"{HERE}/echo/libevent.c", f"{HERE}/echo/raw-epoll.c"]
    jobs = [(f"{HERE}/tools/{t}.c", f"{B}/{t}") for t in ("load",)]
    for g in MICRO + SERVER:
        for f in sorted(os.listdir(f"{HERE}/{g}")):
            d = f"{HERE}/{g}"
            if f.endswith((".c", ".cc", ".go", ".rs")) and f != "tweed.c": jobs.append((f"{d}/{f}", f"{B}/{g}/{os.path.splitext(f)[0]}"))
    for s, o in jobs:
        if not newer([s] + deps, o): continue
        if s.endswith(".c"): c = ["gcc", "-O2", "-w", *inc, s, "-o", o, *glib, *LIBS.split()]
        elif s.endswith(".cc"): c = ["g++", "-O2", "-w", *inc, s, "-o", o, "-lboost_thread", "-lboost_system", "-lpthread"]
        elif s.endswith(".go"): c = ["go", "build", "-o", o, s]
        else: c = ["rustc", "--edition", "2021", "-O", s, "-o", o]
        r = sp.run(c, stderr=sp.PIPE, text=True, env=dict(env, GOFLAGS="-mod=mod", GO111MODULE="off"))
        if r.returncode: print(f"  skipped {os.path.relpath(s, HERE)}: {r.stderr.strip().splitlines()[-1] if r.stderr.strip() else 'failed'}")
    sh("gcc", "-O2", "-shared", "-fPIC", f"{HERE}/tools/count.c", "-o", f"{B}/count.so")
def entries(g):
    r = {}
    for d in (f"{B}/{g}", f"{HERE}/{g}"):
        for f in sorted(os.listdir(d)) if os.path.isdir(d) else []:
            p = f"{d}/{f}"
            if os.path.isfile(p) and os.access(p, os.X_OK): r[re.sub(r"\.(py|mjs|sh)$", "", f)] = p
    return {k: v for k, v in r.items() if re.search(a.entry, k)}
def table(title, rows, cols, fmt="{:,.0f}"):
    print(f"\n## {title}"); w = max([len(r) for r in rows] + [8])
    print(" " * w + "".join(f"{c:>13}" for c in cols))
    for r, v in rows.items(): print(f"{r:<{w}}" + "".join(f"{(fmt.format(v[c]) if not isinstance(v.get(c), str) else v[c]) if v.get(c) is not None else '-':>13}" for c in cols))
    sys.stdout.flush()
def num(x): return f"{x:,.1f}" if x < 100 else f"{x:,.0f}"
def micro(g):
    got = {}
    for _ in range(rounds):
        for n, p in entries(g).items():
            if a.quick and n in ("glib", "gnu-pth", "py-gevent", "py-uvloop") and not a.entry: continue   # the slow ones
            try: r = sp.run([p], stdout=sp.PIPE, stderr=sp.DEVNULL, text=True, env=env, timeout=180, cwd=B)
            except sp.TimeoutExpired: continue
            for l in r.stdout.splitlines():
                f = l.split()
                if len(f) == 2:
                    try: got.setdefault(n, {}).setdefault(f[0], []).append(float(f[1]))
                    except ValueError: pass
    rows = {n: {k: st.median(v) for k, v in c.items()} for n, c in got.items()}
    cols = []
    for v in rows.values(): cols += [k for k in v if k not in cols]
    results[g] = rows
    table(f"{g} (CPU ns per op; bytes where named)", {n: {k: num(x) for k, x in v.items()} for n, v in rows.items()}, cols)

# --- servers
port = [23000 + os.getpid() % 4000]
def procs(sid):
    r = []
    for p in os.listdir("/proc"):
        if p.isdigit():
            try:
                f = open(f"/proc/{p}/stat").read().rsplit(") ", 1)[1].split()
                if int(f[3]) == sid: r.append((int(p), int(f[11]) + int(f[12])))
            except (OSError, IndexError): pass
    return r
TICK = os.sysconf("SC_CLK_TCK")
def cpu(sid):   # finer than ticks where the kernel offers schedstat
    t = 0
    for p, ticks in procs(sid):
        try: t += sum(int(open(f"/proc/{p}/task/{x}/schedstat").read().split()[0]) for x in os.listdir(f"/proc/{p}/task")) / 1e9
        except (OSError, IndexError): t += ticks / TICK
    return t
def rss(sid): return sum(int(open(f"/proc/{p}/statm").read().split()[1]) * 4096 for p, _ in procs(sid))
def start(path, pre=()):
    port[0] += 1
    p = sp.Popen(["taskset", "-c", "0", *pre, path, str(port[0])], env=env, cwd=B, stdin=sp.DEVNULL, stdout=sp.DEVNULL, stderr=open(f"{B}/run/err-{os.getpid()}", "w"), start_new_session=True)
    for _ in range(600):
        try: socket.create_connection(("127.0.0.1", port[0]), 1).close(); time.sleep(0.05); return p, port[0]
        except OSError: time.sleep(0.02)
        if p.poll() is not None: break
    stop(p); return None, 0
def stop(p):
    for pid, _ in procs(p.pid):
        try: os.kill(pid, signal.SIGTERM)
        except OSError: pass
    try: p.wait(5)
    except sp.TimeoutExpired:
        for pid, _ in procs(p.pid): os.kill(pid, signal.SIGKILL)
        p.wait()
def on1(*c, **k): return sh("taskset", "-c", "1", *c, **k)
SLABS = ("TCP", "sock_inode_cache", "filp", "dentry", "ep_head", "eventpoll_epi", "eventpoll_pwq", "request_sock_TCP")
def slab():
    try: return sum(int(f[1]) * int(f[3]) for f in (l.split() for l in open("/proc/slabinfo")) if f[0] in SLABS)
    except OSError: return 0
IDLE = 1000 if a.quick else 9000
def hold(pt, sid, *path):
    r0, k0 = rss(sid), slab(); h = sp.Popen([f"{B}/load", "hold", str(pt), str(IDLE), *path], stdin=sp.PIPE, stdout=sp.PIPE, stderr=sp.PIPE, text=True)
    l = h.stdout.readline(); time.sleep(0.3); r = ((rss(sid) - r0) / IDLE, (slab() - k0) / IDLE / 2) if l.startswith("ready") else (None, None)
    h.stdin.close(); h.wait(); return r
def tcp(g):
    secs = "0.4" if a.quick else "1"; acc = {}
    cases = [("c50", "50", "1")] + ([] if a.quick else [("c50x16", "50", "16"), ("c1000", "1000", "1")])
    for rd in range(rounds):
        for n, path in entries(g).items():
            p, pt = start(path)
            if not p: acc.setdefault(n, {}); continue
            d = acc.setdefault(n, {})
            for c, k, depth in cases:
                t = cpu(p.pid); w = time.time(); r = on1(f"{B}/load", "echo", str(pt), k, secs, "64", depth).stdout.split(); t = cpu(p.pid) - t; w = time.time() - w
                if len(r) == 3 and t > 0:
                    busy = float(r[0]) * w / t    # messages per CPU second of the server
                    for m, v in ((c + "/cpu", busy), (c + "/s", float(r[0])), (c + " p50us", float(r[1])), (c + " p99us", float(r[2]))): d.setdefault(m, []).append(v)
            if rd == 0 and g == "echo" and not a.quick: d["idle rss B"], d["idle kern B"] = [[x] if x is not None else [] for x in hold(pt, p.pid)]
            stop(p)
    rows = {n: {k: st.median(v) for k, v in d.items() if v} for n, d in acc.items()}; results[g] = rows
    cols = [c + s for c, _, _ in cases for s in ("/cpu", "/s", " p50us", " p99us")] + (["idle rss B", "idle kern B"] if g == "echo" else [])
    table(f"{g}: 64-byte messages; /cpu = messages per CPU second of the server, /s = messages per wall second", rows, cols)
def http():
    secs = "1"; acc = {}
    cases = [("hello", "/hello", []), ("pipe16", "/hello", ["-s", HERE + "/tools/pipeline.lua"]), ("1k", "/1k", []), ("1m", "/1m", []), ("close", "/hello", ["-H", "Connection: close"])]
    if a.quick: cases = cases[:1]
    for rd in range(rounds):
        for n, path in entries("http").items():
            p, pt = start(path)
            if not p: acc.setdefault(n, {}); continue
            d = acc.setdefault(n, {})
            for c, u, x in cases:
                t = cpu(p.pid); w = time.time(); o = on1("wrk", "-t1", "-c" + ("8" if c == "1m" else "50"), f"-d{secs}s", "--latency", *x, f"http://127.0.0.1:{pt}{u}").stdout; t = cpu(p.pid) - t
                m = re.search(r"(\d+) requests in ([\d.]+)(\w+)", o); q = re.search(r"99%\s+([\d.]+)(us|ms|s)", o); bad = re.search(r"Non-2xx.*?(\d+)", o)
                if m and t > 0 and not bad:
                    d.setdefault(c + "/cpu", []).append(int(m[1]) / t); d.setdefault(c + "/s", []).append(int(m[1]) / float(m[2]))
                    if q: d.setdefault(c + " p99us", []).append(float(q[1]) * {"us": 1, "ms": 1e3, "s": 1e6}[q[2]])
            if rd == 0 and not a.quick: d["idle rss B"], d["idle kern B"] = [[x] if x is not None else [] for x in hold(pt, p.pid, "/hello")]
            stop(p)
    rows = {n: {k: st.median(v) for k, v in d.items() if v} for n, d in acc.items()}; results["http"] = rows
    table("http: requests per CPU second of the server (1 process, core 0; wrk on core 1)", rows, [c + "/cpu" for c, _, _ in cases] + ["hello/s", "hello p99us", "idle rss B", "idle kern B"])

# --- repeatable counts
def ir(cmd, **k):
    r = sp.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={B}/run/cg-{os.getpid()}", *cmd], stdout=sp.DEVNULL, stderr=sp.PIPE, text=True, env=env, timeout=120, **k)
    m = re.search(r"Collected : (\d+)", r.stderr); return int(m[1]) if m else None
def allocs(cmd):
    r = sp.run(cmd, stdout=sp.DEVNULL, stderr=sp.PIPE, text=True, env=dict(env, LD_PRELOAD=B + "/count.so"), timeout=120); m = re.search(r"allocs (\d+)", r.stderr); return int(m[1]) if m else None
def elf(p): return open(p, "rb").read(4) == b"\x7fELF"
def count():
    rows = {}; env["NGINX_EXTRA"] = "master_process off;"   # one process to count
    for g, cases, n in (("deferred", ("fire1", "chain10", "nested", "all1000"), 10000), ("loop", ("t_reset", "post", "r100"), 20000)):
        for e, p in entries(g).items():
            if not elf(p) or e.startswith(("go", "rust", "gnu-pth", "os-thread", "boost-fib")): continue
            for c in cases:
                try: x, y = ir([p, c, str(n)]), ir([p, c, str(2 * n)])
                except sp.TimeoutExpired: continue
                if x and y and y - x > n:
                    rows.setdefault(f"{g}/{e}", {})[c] = num((y - x) / n)
                    if g == "deferred":
                        i, j = allocs([p, c, str(n)]), allocs([p, c, str(2 * n)]); rows[f"{g}/{e}"][c] += f" ({(j - i) / n:.2g})"
    table("user-space instructions per op (callgrind); in brackets, heap allocations per op", rows, ["fire1", "chain10", "nested", "all1000", "t_reset", "post", "r100"]); results["count"] = rows
    rows = {}
    for g, extra in (("echo", []), ("http", ["/hello"])):
        for e, p in entries(g).items():
            if e in ("go", "io-uring") or not (elf(p) or e in ("nginx", "h2o", "lighttpd")): continue
            v = []
            for n in (2000, 6000):
                s, pt = start(p, ("valgrind", "--tool=callgrind", "--trace-children=yes", f"--callgrind-out-file={B}/run/cg.%p"))
                if not s: break
                on1(f"{B}/load", "count", str(pt), "10", str(n), *extra); stop(s)
                v.append(sum(int(x) for x in re.findall(r"Collected : (\d+)", open(f"{B}/run/err-{os.getpid()}").read())))
            if len(v) == 2: rows[f"{g}/{e}"] = {"instr/msg": num((v[1] - v[0]) / 4000)}
    table("server user-space instructions per message / request (10 connections)", rows, ["instr/msg"]); results["count-servers"] = rows
t0 = time.time(); build()
for g in only:
    t1 = time.time()
    if g in MICRO: micro(g)
    elif g in ("echo", "line"): tcp(g)
    elif g == "http": http()
    elif g == "count" and not a.quick: count()
    print(f"({g}: {time.time() - t1:.0f} s)")
old = {}
try: old = json.load(open(B + "/results.json"))
except (OSError, ValueError): pass
if not a.quick: old.update(results); json.dump(old, open(B + "/results.json", "w"), indent=1)
print(f"\n{time.time() - t0:.0f} s, {rounds} round(s)")
