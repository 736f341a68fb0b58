"""TLS and HTTP/2 beside peers: hello over each, asked by h2load, which speaks all of them."""
import os
import re
import shutil
import statistics
import subprocess

from .peers import PEERS, Place, filled
from .process import LOAD_CORES, RILLE, ROOT, Server, certificate, free_port, pinned
from .serving import result

BENCHES = {}
# A way of asking: h2load's options, and whether it is by the port of TLS.
WAYS = {"http1": (["--h1", "-c64"], False), "tls": (["--h1", "-c64"], True), "h2": (["-c10", "-m100"], True), "h2c": (["-c10", "-m100"], False)}
REQUESTS_A_SECOND = 60000
PLAIN_H2C = {"rille"}  # who speaks HTTP/2 with prior knowledge on the port that speaks HTTP/1 too


def bench(function):
    BENCHES[function.__name__] = function
    return function


def rille(place):
    return [RILLE, "serve", os.path.join(ROOT, "bench/peers/rille.lua"), "--port", str(place.port), "--log", "off", "--h2c",
            "--tls", f"{place.cert},{place.key}", "--tls-port", str(place.tls)]


def nginx(conf):
    def command(place):
        folder, path = filled(conf, place)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        secure = (f"listen 127.0.0.1:{place.tls} ssl http2; ssl_certificate {place.cert}; ssl_certificate_key {place.key};\n"
                  "    ssl_protocols TLSv1.2 TLSv1.3; ssl_session_cache shared:TLS:10m;\n    ")
        with open(path, "w", encoding="utf-8") as file:
            file.write(re.sub(r"(?<=server \{\n    )", secure, text, count=1))
        return ["nginx", "-p", folder, "-c", path, "-e", os.path.join(folder, "error.log")]
    return command


def in_go(place):
    return PEERS["Go"].command(place)[0]


COMMANDS = {"rille": rille, "nginx": nginx("nginx.conf"), "nginx + Lua": nginx("nginx-lua.conf"), "Go": in_go}


def start(bench, name):
    place = Place(bench.work, bench.data.original)
    place.port, place.tls = free_port(), free_port()
    place.cert, place.key = certificate(bench.work)
    env = {"PORT": str(place.port), "BENCH_DATA": place.data, "BENCH_BACKEND": "9", "BENCH_TLS": f"{place.tls},{place.cert},{place.key}",
           "BENCH_PAGE": os.path.join(ROOT, "bench", "peers", "go", "page.html"), "GOMAXPROCS": "1"}
    server = Server(name, COMMANDS[name](place), place.port, env=env, work=place.work)
    server.tls = place.tls
    return server


def load(server, way, count):
    """CPU of the server for each request, in microseconds, and requests a second."""
    options, secure = WAYS[way]
    url = f"https://localhost:{server.tls}/" if secure else f"http://127.0.0.1:{server.port}/"
    before = server.cpu()
    done = subprocess.run(["h2load", "-n", str(count), *options, url], capture_output=True, text=True, check=False, preexec_fn=pinned(LOAD_CORES))
    cpu = server.cpu() - before
    found = re.search(r"requests: (\d+) total.* (\d+) succeeded", done.stdout)
    if not found or int(found.group(2)) != count:
        raise ValueError(f"{server.name} by {way}: h2load says {done.stdout[-600:]}{done.stderr[-300:]}")
    return cpu / count * 1e6, float(re.search(r"([\d.]+) req/s", done.stdout).group(1))


def ways_of(name):
    return [way for way in WAYS if way != "h2c" or name in PLAIN_H2C]


def peers_of(bench):
    here, skipped = [], {}
    for name in COMMANDS:
        hint = PEERS[name].missing()
        if hint:
            skipped[name] = hint
        elif not bench.wanted_peers or name in bench.wanted_peers:
            here.append(name)
    return here, skipped


@bench
def secure(bench):
    """hello over HTTP/1.1, TLS, HTTP/2 over TLS and HTTP/2 with prior knowledge, asked by h2load: 64 connections, or 10 with 100 streams each."""
    if not shutil.which("h2load"):
        raise ValueError("not installed: h2load (apt-get install nghttp2-client)")
    peers, skipped = peers_of(bench)
    count, seen = max(1000, int(REQUESTS_A_SECOND * bench.seconds)), {}
    servers = {name: start(bench, name) for name in peers}
    try:
        for server in servers.values():
            for way in ways_of(server.name):
                load(server, way, count // 4)
        for _ in range(bench.rounds):
            for server in servers.values():
                for way in ways_of(server.name):
                    seen.setdefault((server.name, way), []).append(load(server, way, count))
    finally:
        for server in servers.values():
            server.stop()
    rows = []
    for name in peers:
        row = {"peer": name}
        for way in ways_of(name):
            row[way + "_us"] = statistics.median(cpu for cpu, _ in seen[name, way])
        row["h2_per_second"] = statistics.median(rate for _, rate in seen[name, "h2"])
        rows.append(row)
    columns = [["http1_us", "HTTP/1.1", "us"], ["tls_us", "HTTP/1.1 over TLS", "us"], ["h2_us", "HTTP/2 over TLS", "us"],
               ["h2c_us", "HTTP/2, no TLS", "us"], ["h2_per_second", "HTTP/2 requests/s", "per_second"]]
    return result("secure", secure, columns, rows, skipped)
