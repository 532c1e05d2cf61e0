# SPDX-License-Identifier: MIT
"""The servers of real.py: certificates, and nginx, Apache, Squid and `tweed serve` on free ports."""
import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

PAGE = b"".join(b"<li>thread %d</li>\n" % i for i in range(3000))
SMALL = b"a small page\n"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def run(*args, **options):
    return subprocess.run([str(a) for a in args], check=True, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE, **options)


def make_certificates(d):
    """A CA of our own, a server certificate by it, and a CRL that revokes a second one."""
    (d / "ca.cnf").write_text(f"""
[ca]
default_ca = it
[it]
dir = {d}
database = {d}/index.txt
serial = {d}/serial
new_certs_dir = {d}
certificate = {d}/ca.pem
private_key = {d}/ca.key
default_md = sha256
default_days = 30
default_crl_days = 30
policy = any
copy_extensions = copy
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[v3_ca]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
""")
    (d / "index.txt").write_text("")
    (d / "serial").write_text("1000\n")
    ec = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    run("openssl", "req", "-x509", *ec, "-keyout", d / "ca.key", "-out", d / "ca.pem", "-days", "30",
        "-subj", "/CN=Loom test CA", "-config", d / "ca.cnf", "-extensions", "v3_ca")
    for name in ("server", "revoked"):
        run("openssl", "req", "-new", *ec, "-keyout", d / f"{name}.key", "-out", d / f"{name}.csr",
            "-subj", f"/CN={name}", "-config", d / "ca.cnf",
            "-addext", "subjectAltName=DNS:localhost,DNS:loom.example,IP:127.0.0.1",
            "-addext", "extendedKeyUsage=serverAuth")
        run("openssl", "ca", "-batch", "-notext", "-config", d / "ca.cnf", "-in", d / f"{name}.csr",
            "-out", d / f"{name}.pem")
    run("openssl", "ca", "-config", d / "ca.cnf", "-revoke", d / "revoked.pem")
    run("openssl", "ca", "-config", d / "ca.cnf", "-gencrl", "-out", d / "crl.pem")


def make_pages(www):
    www.mkdir()
    (www / "page.html").write_bytes(PAGE)
    (www / "small.txt").write_bytes(SMALL)
    (www / "big.bin").write_bytes(os.urandom(5_000_000))
    (www / "empty.txt").write_bytes(b"")
    (www / "many").mkdir()
    for i in range(1000):
        (www / "many" / f"{i}.txt").write_text(f"page number {i}\n" * (i % 20 + 1))
    os.chmod(www, 0o755)


def wait_for(port, process, log):
    for _ in range(400):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.025)
        if process.poll() is not None:
            break
    text = log.read_text(errors="replace")[-2000:] if log.exists() else ""
    raise SystemExit(f"real: {process.args[0]} did not start\n{text}")


class Servers:
    """All servers; use as a context. Everything lives in one folder and ends with it."""

    def __init__(self, folder, tweed, top):
        self.d, self.tweed, self.top, self.running = folder, tweed, top, []
        self.www = folder / "www"
        os.chmod(folder, 0o755)
        make_certificates(folder)
        make_pages(self.www)
        password = subprocess.run(["openssl", "passwd", "-apr1", "open sesame"], check=True,
                                  capture_output=True, text=True).stdout.strip()
        (folder / "passwords").write_text(f"ali:{password}\n")
        os.chmod(folder / "passwords", 0o644)

    def start(self, name, args, port, **options):
        log = self.d / f"{name}.out"
        with open(log, "wb") as out:
            process = subprocess.Popen([str(a) for a in args], stdin=subprocess.DEVNULL, stdout=out,
                                       stderr=out, **options)
        self.running.append(process)
        wait_for(port, process, log)
        return process

    def __enter__(self):
        try:
            self.start_nginx()
            self.start_apache()
            self.start_squid()
            self.echo_port = self.start_echo()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for process in reversed(self.running):
            if process.poll() is None:
                process.terminate()
        for process in self.running:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def start_nginx(self):
        d = self.d
        self.http, self.https, self.revoked = free_port(), free_port(), free_port()
        user = "user root;" if os.getuid() == 0 else ""
        locations = f"""
            root {d}/www;
            default_type text/plain;
            location /gz/ {{ alias {d}/www/; gzip on; gzip_types *; gzip_min_length 1; }}
            location /close/ {{ alias {d}/www/; keepalive_timeout 0; }}
            location /slow/ {{ alias {d}/www/; limit_rate 20k; }}
            location /private/ {{ alias {d}/www/; auth_basic "the loom"; auth_basic_user_file {d}/passwords; }}
            location = /hop/1 {{ return 302 /small.txt; }}
            location = /hop/2 {{ return 301 /hop/1; }}
            location = /hop/3 {{ return 307 /hop/2; }}
            location = /hop/4 {{ return 308 /hop/3; }}
            location = /hop/5 {{ return 303 $scheme://$http_host/hop/4; }}
            location = /loop {{ return 302 /loop; }}
            location = /nothing {{ return 204; }}
            location = /error {{ return 500 "broken"; }}
            location = /to-https {{ return 302 https://localhost:{self.https}/small.txt; }}
            location = /cookie {{ add_header Set-Cookie "thread=red; Path=/"; return 302 /saw-cookie; }}
            location = /saw-cookie {{ return 200 "$http_cookie"; }}
"""
        (d / "nginx.conf").write_text(f"""{user}
worker_processes 1; daemon off; pid {d}/nginx.pid; error_log {d}/nginx.log warn;
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
    access_log {d}/nginx-access.log; sendfile on; keepalive_requests 100000;
    types {{ text/html html; text/plain txt; application/octet-stream bin; }}
    client_body_temp_path {d}/n1; proxy_temp_path {d}/n2; fastcgi_temp_path {d}/n3;
    uwsgi_temp_path {d}/n4; scgi_temp_path {d}/n5;
    server {{ listen 127.0.0.1:{self.http} backlog=4096; {locations} }}
    server {{
        listen 127.0.0.1:{self.https} ssl backlog=4096;
        ssl_certificate {d}/server.pem; ssl_certificate_key {d}/server.key; {locations}
    }}
    server {{
        listen 127.0.0.1:{self.revoked} ssl;
        ssl_certificate {d}/revoked.pem; ssl_certificate_key {d}/revoked.key; {locations}
    }}
}}
""")
        nginx = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        self.start("nginx", [nginx, "-e", d / "nginx.log", "-c", d / "nginx.conf"], self.http)

    def start_apache(self):
        d = self.d
        self.apache = free_port()
        modules = "/usr/lib/apache2/modules"
        load = "".join(f"LoadModule {m}_module {modules}/mod_{m}.so\n" for m in
                       "mpm_event authz_core authn_core authn_file authz_user auth_basic mime filter deflate "
                       "alias headers".split())
        user = "User www-data\nGroup www-data" if os.getuid() == 0 else ""
        (d / "apache.conf").write_text(f"""
ServerRoot {d}
PidFile {d}/apache.pid
ErrorLog {d}/apache.log
DefaultRuntimeDir {d}
Listen 127.0.0.1:{self.apache}
ServerName localhost
{load}
{user}
TypesConfig /etc/mime.types
DocumentRoot {d}/www
KeepAlive On
MaxKeepAliveRequests 0
<Directory {d}/www>
    Require all granted
</Directory>
Alias /gz {d}/www
<Location /gz>
    SetOutputFilter DEFLATE
</Location>
Alias /private {d}/www
<Location /private>
    AuthType Basic
    AuthName "the loom"
    AuthUserFile {d}/passwords
    Require valid-user
</Location>
Redirect 301 /moved /small.txt
""")
        apache = shutil.which("apache2", path=os.environ["PATH"] + ":/usr/sbin")
        self.start("apache", [apache, "-f", d / "apache.conf", "-DFOREGROUND"], self.apache)

    def start_squid(self):
        d = self.d
        self.proxy, self.strict_proxy = free_port(), free_port()
        spool = d / "squid"
        spool.mkdir()
        os.chmod(spool, 0o777)
        helper = "/usr/lib/squid/basic_ncsa_auth"
        # localhost may be ::1 first, where nobody listens.
        (d / "squid.hosts").write_text("127.0.0.1 localhost\n")
        (d / "squid.conf").write_text(f"""
hosts_file {d}/squid.hosts
http_port 127.0.0.1:{self.proxy} name=open
http_port 127.0.0.1:{self.strict_proxy} name=strict
auth_param basic program {helper} {d}/passwords
auth_param basic realm the loom
acl strict myportname strict
acl known proxy_auth REQUIRED
http_access deny strict !known
http_access allow all
cache deny all
pid_filename {spool}/squid.pid
access_log stdio:{spool}/access.log
cache_log {spool}/cache.log
coredump_dir {spool}
shutdown_lifetime 0 seconds
visible_hostname localhost
max_filedescriptors 4096
""")
        squid = shutil.which("squid", path=os.environ["PATH"] + ":/usr/sbin")
        self.start("squid", [squid, "-N", "-f", d / "squid.conf"], self.proxy)

    def start_echo(self):
        log = self.d / "echo.out"
        with open(log, "wb") as out:
            process = subprocess.Popen([self.tweed, "serve", "--echo", "--listen", "127.0.0.1:0"],
                                       stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self.running.append(process)
        for _ in range(400):
            found = re.search(r"127\.0\.0\.1:(\d+)", log.read_text())
            if found:
                return int(found[1])
            time.sleep(0.025)
        raise SystemExit("real: tweed serve --echo did not start")

    def squid_log(self):
        return (self.d / "squid" / "access.log").read_text()


def temporary(prefix):
    import tempfile
    return Path(tempfile.mkdtemp(prefix=prefix))
