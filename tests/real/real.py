# SPDX-License-Identifier: MIT
"""tweed get and the library against nginx, Apache and Squid, and beside curl.

Called by tests/real/run. Each check is a function below; its name is the claim."""
import base64
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.dont_write_bytecode = True
from servers import PAGE, SMALL, Servers, free_port, temporary

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(sys.argv[1]).resolve()
WANTED = sys.argv[2:]
TWEED = BUILD / "tweed"
GETPAGES = BUILD / "examples" / "getpages"
S = None      # the servers
WORK = None   # where a check may write
checks = []


def check(function):
    checks.append(function)
    return function


class Outcome:
    def __init__(self, done):
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr.decode(errors="replace")

    def __repr__(self):
        return f"status {self.status}, {len(self.out)} bytes {self.out[:200]!r}, said {self.err[-400:]!r}"


def clean_environment(extra=None):
    env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    env.update(HOME=str(WORK), **(extra or {}))
    return env


def command(args, env=None, cwd=None, timeout=60):
    return Outcome(subprocess.run([str(a) for a in args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, timeout=timeout, env=clean_environment(env), cwd=cwd))


def get(*args, **options):
    return command([TWEED, "get", "-s", "-S", *args], **options)


def curl(*args, **options):
    return command(["curl", "-sS", *args], **options)


def fetched(outcome, body):
    assert outcome.status == 0 and outcome.out == body, outcome


# curl's exit statuses for our words.
STATUSES = {"connect": (7,), "dns": (6,), "empty": (52,), "partial": (18,), "protocol": (8,), "redirect": (47,),
            "status": (22,), "timeout": (28,), "tls": (35, 60), "toolarge": (63,), "url": (1, 3)}


def refused(outcome, word):
    assert outcome.status in STATUSES[word] and f": {word}: " in outcome.err, f"wanted {word}; {outcome}"


def http(path):
    return f"http://127.0.0.1:{S.http}{path}"


def https(path, host="localhost"):
    return f"https://{host}:{S.https}{path}"


def apache(path):
    return f"http://127.0.0.1:{S.apache}{path}"


# --- nginx ---------------------------------------------------------------------------------------

@check
def plain_pages_of_all_sizes():
    for name in ("page.html", "small.txt", "big.bin", "empty.txt"):
        fetched(get(http("/" + name)), (S.www / name).read_bytes())
        fetched(get(apache("/" + name)), (S.www / name).read_bytes())


@check
def https_by_our_own_ca():
    fetched(get("--cacert", S.d / "ca.pem", https("/page.html")), PAGE)
    fetched(get("--cacert", S.d / "ca.pem", https("/big.bin", "127.0.0.1")), (S.www / "big.bin").read_bytes())
    refused(get(https("/page.html")), "tls")


@check
def chunked_and_gzipped():
    for url, framing in ((http("/gz/page.html"), b"transfer-encoding: chunked"), (apache("/gz/page.html"), b"")):
        seen = curl("-i", "--raw", "-H", "Accept-Encoding: gzip", url).out.lower()
        assert framing in seen and b"content-encoding: gzip" in seen, seen[:400]
        fetched(get("--compressed", url), PAGE)
        fetched(get(url), PAGE)


@check
def redirects_are_followed():
    fetched(get(http("/hop/5")), SMALL)
    fetched(get(apache("/moved")), SMALL)
    fetched(get("--cacert", S.d / "ca.pem", http("/to-https")), SMALL)
    refused(get(http("/loop")), "redirect")
    refused(get("--max-redirs", "3", http("/hop/5")), "redirect")
    fetched(get("--max-redirs", "5", http("/hop/5")), SMALL)
    stayed = get("--no-location", "-i", http("/hop/5"))
    assert stayed.status == 0 and b" 303 " in stayed.out.splitlines()[0], stayed


@check
def a_thousand_urls_at_once():
    out = WORK / "many"
    out.mkdir()
    urls = [http(f"/many/{i}.txt") for i in range(1000)]
    done = get("-O", "--output-dir", out, "-c", "1000", *urls)
    assert done.status == 0, done
    for i in range(1000):
        assert (out / f"{i}.txt").read_bytes() == (S.www / "many" / f"{i}.txt").read_bytes(), i
    lines = get("--json", "-c", "1000", "--cacert", S.d / "ca.pem", *[https(f"/many/{i}.txt") for i in range(1000)])
    rows = [json.loads(line) for line in lines.out.splitlines()]
    assert lines.status == 0 and len(rows) == 1000 and all(row["status"] == 200 for row in rows), lines


@check
def the_library_fetches_a_thousand_at_once():
    done = command([GETPAGES, *[http(f"/many/{i}.txt") for i in range(1000)]])
    assert done.status == 0 and len(done.out.splitlines()) >= 1000, done


@check
def connections_are_kept_and_closed():
    log = S.d / "nginx-access.log"
    fetched(get(http("/close/small.txt"), http("/close/small.txt"), http("/small.txt")), SMALL * 3)
    assert log.read_text().count("/close/small.txt") >= 2
    said = get("-v", "-c", "1", http("/small.txt"), http("/page.html"))
    assert said.status == 0 and said.out == SMALL + PAGE, said


@check
def slow_pages_end_or_time_out():
    fetched(get("-m", "30", http("/slow/page.html")), PAGE)
    started = time.monotonic()
    refused(get("-m", "0.5", http("/slow/big.bin")), "timeout")
    assert time.monotonic() - started < 3


@check
def basic_credentials():
    for url in (http("/private/small.txt"), apache("/private/small.txt")):
        fetched(get("-u", "ali:open sesame", url), SMALL)
        fetched(get(url.replace("//", "//ali:open%20sesame@")), SMALL)
        refused(get("-f", url), "status")
        refused(get("-f", "-u", "ali:wrong", url), "status")
        assert b"401" in get(url).out


@check
def ranges():
    for url in (http("/page.html"), apache("/page.html")):
        fetched(get("-r", "5-9", url), PAGE[5:10])
        fetched(get("-r", "-7", url), PAGE[-7:])
        fetched(get("-r", "100-", url), PAGE[100:])
        assert get("-f", "-r", "999999999-", url).status == 22


@check
def statuses_without_bodies_and_errors():
    fetched(get(http("/nothing")), b"")
    fetched(get(http("/error")), b"broken")
    refused(get("-f", http("/error")), "status")
    refused(get("-f", http("/not-here")), "status")
    head = get("-I", http("/page.html"))
    assert head.status == 0 and b"content-length: %d" % len(PAGE) in head.out.lower() and PAGE not in head.out, head


@check
def cookies_set_on_the_way_are_sent_back():
    fetched(get("-b", "", http("/cookie")), b"thread=red")


@check
def a_revoked_certificate_is_refused_by_its_crl():
    url = f"https://localhost:{S.revoked}/small.txt"
    fetched(get("--cacert", S.d / "ca.pem", url), SMALL)
    refused(get("--cacert", S.d / "ca.pem", "--crlfile", S.d / "crl.pem", url), "tls")
    fetched(get("--cacert", S.d / "ca.pem", "--crlfile", S.d / "crl.pem", https("/small.txt")), SMALL)


@check
def errors_have_their_words():
    refused(get(f"http://127.0.0.1:{free_port()}/"), "connect")
    refused(get("http://no-such-host.invalid/"), "dns")
    refused(get("http://127.0.0.1:99999/"), "url")
    refused(get("ftp://127.0.0.1/"), "url")
    refused(get("--max-filesize", "1000", http("/big.bin")), "toolarge")
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
        def answers():
            for reply in (b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfour", b"what?\r\n\r\n"):
                c = s.accept()[0]
                c.recv(4096)
                c.sendall(reply)
                c.close()
        thread = threading.Thread(target=answers, daemon=True)
        thread.start()
        refused(get(f"http://127.0.0.1:{port}/1"), "empty")
        refused(get(f"http://127.0.0.1:{port}/2"), "partial")
        refused(get(f"http://127.0.0.1:{port}/3"), "protocol")


# --- Squid ---------------------------------------------------------------------------------------

def squid_counted(text, count=1):
    """Squid writes its line when a transfer or tunnel has ended, which we may not have seen yet."""
    for _ in range(100):
        if S.squid_log().count(text) >= count:
            return True
        time.sleep(0.05)
    return False


@check
def a_proxy_in_absolute_form():
    fetched(get("-x", f"http://127.0.0.1:{S.proxy}", http("/page.html")), PAGE)
    assert squid_counted(f"GET http://127.0.0.1:{S.http}/page.html")


@check
def a_proxy_by_connect():
    fetched(get("-x", f"http://127.0.0.1:{S.proxy}", "--cacert", S.d / "ca.pem", https("/page.html")), PAGE)
    assert squid_counted(f"CONNECT localhost:{S.https}")


@check
def a_proxy_that_wants_credentials():
    strict = f"http://127.0.0.1:{S.strict_proxy}"
    trust = ["--cacert", S.d / "ca.pem"]
    fetched(get("-x", strict, "--proxy-user", "ali:open sesame", http("/page.html")), PAGE)
    fetched(get("-x", strict, "--proxy-user", "ali:open sesame", *trust, https("/page.html")), PAGE)
    fetched(get("-x", strict.replace("//", "//ali:open%20sesame@"), http("/page.html")), PAGE)
    refused(get("-x", strict, "-f", http("/page.html")), "status")
    refused(get("-x", strict, *trust, https("/page.html")), "connect")
    refused(get("-x", strict, "--proxy-user", "ali:wrong", *trust, https("/page.html")), "connect")


@check
def the_proxy_of_the_environment():
    env = {"http_proxy": f"http://127.0.0.1:{S.proxy}", "https_proxy": f"http://127.0.0.1:{S.proxy}"}
    before = S.squid_log().count("/many/7.txt")
    page = (S.www / "many/7.txt").read_bytes()
    fetched(get(http("/many/7.txt"), env=env), page)
    assert squid_counted("/many/7.txt", before + 1)
    fetched(get(http("/many/7.txt"), env=dict(env, no_proxy="127.0.0.1")), page)
    assert S.squid_log().count("/many/7.txt") == before + 1
    fetched(get("--cacert", S.d / "ca.pem", https("/many/7.txt"), env=env), page)


@check
def many_pages_through_the_proxy():
    urls = [https(f"/many/{i}.txt") for i in range(50)] + [http(f"/many/{i}.txt") for i in range(50)]
    done = get("-x", f"http://127.0.0.1:{S.proxy}", "--cacert", S.d / "ca.pem", "-c", "20", "--json", *urls)
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert done.status == 0 and len(rows) == 100 and all(r["status"] == 200 for r in rows), done


# --- beside curl: what the server saw -------------------------------------------------------------

OUR_OWN = {"expect", "user-agent", "accept", "accept-encoding", "connection", "host"}


def request_seen(outcome, keep=()):
    assert outcome.status == 0, outcome
    seen = json.loads(outcome.out.splitlines()[-1])
    names = OUR_OWN - set(keep)
    headers = [[n.lower(), v] for n, v in seen["headers"] if n.lower() not in names]
    # We say that a PUT without a body has none, as RFC 9110, 8.6 wants it; curl does not.
    seen["headers"] = sorted(h for h in headers if h != ["content-length", "0"])
    return seen


def same_request(*args, keep=(), path="/x?y=1", more=(), curl_args=None):
    url = f"http://127.0.0.1:{S.echo_port}{path}"
    ours = request_seen(get(*args, *more, url, cwd=WORK), keep)
    theirs = request_seen(curl(*(curl_args or args), *more, url, cwd=WORK), keep)
    assert ours == theirs, f"{args}\n  we:   {ours}\n  curl: {theirs}"


@check
def requests_are_as_curls():
    (WORK / "form.txt").write_text("line one\nline two\n")
    (WORK / "cookies.txt").write_text(
        "# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t0\tthread\tblue\n")
    for args in (
        [], ["-X", "PUT"], ["-X", "DELETE"], ["-X", "PATCH", "-d", "p"],
        ["-d", "a=1"], ["-d", "a=1", "-d", "b=2"], ["-d", "@form.txt"], ["--data-binary", "@form.txt"],
        ["--data-binary", "a\nb"], ["-d", ""], ["-d", "{}", "-H", "Content-Type: application/json"],
        ["-H", "X-One: 1"], ["-H", "X-One: 1", "-H", "X-One: 2"], ["-H", "X-Empty;"], ["-H", "X-None:"],
        ["-u", "ali:open sesame"], ["-u", "ali:"], ["-b", "a=1; b=2"], ["-b", "cookies.txt"],
        ["-r", "2-5"], ["-r", "-5"], ["-r", "7-"], ["-T", "form.txt"], ["--http1.0"],
    ):
        same_request(*args)
    for args, keep in ((["-A", "loom/1.0"], ["user-agent"]), (["-H", "User-Agent: loom/2"], ["user-agent"]),
                       (["-A", ""], ["user-agent"]), (["-H", "Accept: text/html"], ["accept"]),
                       (["-H", "Host: loom.example"], ["host"]), ([], ["host"]), (["-H", "Accept:"], ["accept"])):
        same_request(*args, keep=keep)


@check
def urls_reach_the_server_as_with_curl():
    for path in ("/", "/a/../b", "/a%20b?c=%2F", "/?q", "/x;y=1?z#frag", "/%e2%82%ac"):
        same_request(path=path)
    for user in ("ali:open%20sesame@", "ali@"):
        url = f"http://{user}127.0.0.1:{S.echo_port}/"
        assert request_seen(get(url)) == request_seen(curl(url))


@check
def uploads_through_redirects_are_as_curls():
    for path in ("/hop/1", "/hop/3"):
        for args in (["-d", "a=1"], ["-X", "PUT", "-d", "b"]):
            ours, theirs = get("-i", *args, http(path)), curl("-L", "-i", *args, http(path))
            last = lambda o: o.out.rsplit(b"HTTP/1.1 ", 1)[1].split()[0]
            assert last(ours) == last(theirs), f"{path} {args}: {ours} {theirs}"


@check
def compressed_asks_for_codings():
    url = f"http://127.0.0.1:{S.echo_port}/"
    seen = dict((n.lower(), v) for n, v in json.loads(get("--compressed", url).out)["headers"])
    assert {"gzip", "deflate", "br"} <= {c.strip() for c in seen["accept-encoding"].split(",")}, seen


@check
def resolve_and_host_names():
    args = ["--resolve", f"loom.example:{S.echo_port}:127.0.0.1", f"http://loom.example:{S.echo_port}/r"]
    ours, theirs = request_seen(get(*args), ["host"]), request_seen(curl(*args), ["host"])
    assert ours == theirs
    trusted = get("--cacert", S.d / "ca.pem", "--resolve", f"loom.example:{S.https}:127.0.0.1",
                  https("/small.txt", "loom.example"))
    fetched(trusted, SMALL)
    refused(get("--cacert", S.d / "ca.pem", "--resolve", f"other.example:{S.https}:127.0.0.1",
                https("/small.txt", "other.example")), "tls")
    fetched(get("-k", "--resolve", f"other.example:{S.https}:127.0.0.1", https("/small.txt", "other.example")), SMALL)


@check
def a_config_file_is_read():
    (WORK / "config").write_text(f"""# a comment
-X PUT
header = "X-From: file"
data = "a=1"
url = "http://127.0.0.1:{S.echo_port}/c"
""")
    ours = request_seen(get("--config", WORK / "config"))
    theirs = request_seen(curl("--config", WORK / "config"))
    assert ours == theirs, f"{ours}\n{theirs}"


# --- beside curl: what is written ----------------------------------------------------------------

def header_block(text):
    lines = text.split(b"\r\n\r\n")[0].splitlines()
    return [lines[0]] + sorted(l.lower() for l in lines[1:] if not l.lower().startswith((b"date:", b"connection:")))


@check
def output_files_are_as_curls():
    for who, call in (("ours", get), ("theirs", curl)):
        d = WORK / who
        d.mkdir()
        call("-o", "named.txt", http("/small.txt"), cwd=d)
        call("-O", http("/page.html"), cwd=d)
        (d / "sub").mkdir()
        call("--output-dir", "sub", "-O", http("/small.txt"), cwd=d)
        call("--output-dir", "sub", "-o", "other.txt", http("/many/3.txt"), cwd=d)
        call("-o", "one", "-o", "two", http("/many/1.txt"), http("/many/2.txt"), cwd=d)
    files = lambda d: {str(f.relative_to(d)): f.read_bytes() for f in d.rglob("*") if f.is_file()}
    assert files(WORK / "ours") == files(WORK / "theirs"), (list(files(WORK / "ours")), list(files(WORK / "theirs")))


@check
def headers_shown_are_as_curls():
    for args in (["-i"], ["-I"]):
        ours, theirs = get(*args, http("/small.txt")), curl(*args, http("/small.txt"))
        assert header_block(ours.out) == header_block(theirs.out), (ours, theirs)
    assert get("-i", http("/small.txt")).out.endswith(b"\r\n\r\n" + SMALL)


@check
def verbose_tells_both_sides_on_standard_error():
    said = get("-v", http("/small.txt"))
    assert said.out == SMALL and "> GET /small.txt HTTP/1.1" in said.err and "< HTTP/1.1 200" in said.err, said


@check
def silence():
    url = f"http://127.0.0.1:{free_port()}/"
    quiet = command([TWEED, "get", "-s", url])
    assert quiet.status == 7 and quiet.err == "", quiet
    said = command([TWEED, "get", "-s", "-S", url])
    assert said.status == 7 and said.err.startswith(f"tweed get: {url}: connect: "), said


@check
def limits_end_as_with_curl():
    for args, url in ((["--max-filesize", "100"], http("/page.html")), (["-m", "0.4"], http("/slow/big.bin")),
                      (["--max-redirs", "2"], http("/hop/5")), (["-f"], http("/error"))):
        theirs = curl("-L", *args, url)
        assert theirs.status != 0 and get(*args, url).status == theirs.status, (args, theirs)


@check
def connecting_is_bounded():
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    waiting = []
    for _ in range(4):   # fill the accept queue: what comes now gets no answer
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(full.getsockname())
        waiting.append(s)
    started = time.monotonic()
    refused(get("--connect-timeout", "0.5", f"http://127.0.0.1:{full.getsockname()[1]}/"), "timeout")
    assert time.monotonic() - started < 3
    for s in waiting + [full]:
        s.close()


@check
def retry_tries_again():
    class Flaky(BaseHTTPRequestHandler):
        seen = 0
        def do_GET(self):
            Flaky.seen += 1
            ok = Flaky.seen > 2
            self.send_response(200 if ok else 503)
            body = b"at last" if ok else b"busy"
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        def log_message(self, *_):
            pass
    with ThreadingHTTPServer(("127.0.0.1", 0), Flaky) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        fetched(get("--retry", "3", url), b"at last")
        Flaky.seen = 0
        refused(get("-f", "--retry", "1", url), "status")
        assert Flaky.seen == 2
        server.shutdown()


@check
def a_body_goes_up_from_a_file():
    data = os.urandom(300_000)
    (WORK / "up.bin").write_bytes(data)
    for args in (["-T", "up.bin"], ["--data-binary", "@up.bin"]):
        seen = json.loads(get(*args, f"http://127.0.0.1:{S.echo_port}/up", cwd=WORK).out)
        assert base64.b64decode(seen["body"]) == data and seen["body_len"] == len(data)


def run_checks():
    global WORK
    passed = failed = 0
    for function in checks:
        name = function.__name__
        if WANTED and not any(word in name for word in WANTED):
            continue
        WORK = temporary("real-check-")
        try:
            function()
            passed += 1
            print(f"ok      {name}", flush=True)
        except Exception as error:  # a check that stumbles has failed, the others go on
            failed += 1
            where = error.__traceback__
            while where.tb_next and where.tb_next.tb_frame.f_code.co_filename == __file__:
                where = where.tb_next
            print(f"FAILED  {name} (line {where.tb_lineno}): {type(error).__name__} {str(error)[:1500]}", flush=True)
        finally:
            shutil.rmtree(WORK, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return failed == 0


def main():
    global S
    folder = temporary("real-servers-")
    try:
        with Servers(folder, TWEED, TOP) as S:
            return 0 if run_checks() else 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


sys.exit(main())
