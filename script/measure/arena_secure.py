"""The checks of bench/arena/validate over TLS and HTTP/2, by curl: 8081 speaks HTTP/1.1 over TLS, 8443 HTTP/2, 8082 HTTP/2 only and
without TLS. Here those ports are free ones."""
import gzip
import json
import os
import subprocess

from .arena import STATIC, check_with_data, equal, objects

HTTP1, HTTP2, PRIOR = "--http1.1", "--http2", "--http2-prior-knowledge"


def curl(url, *options):
    """Status, version of HTTP, type, body."""
    done = subprocess.run(["curl", "-sk", "--max-time", "20", "-w", "\n%{http_code} %{http_version} %{content_type}", *options, url],
                          capture_output=True, check=False)
    body, _, tail = done.stdout.rpartition(b"\n")
    status, version, kind = (tail.decode() + "  ").split(" ", 2)
    return int(status), version, kind.strip(), body


def answered(url, version, wanted, *options):
    status, spoken, kind, body = curl(url, *options)
    equal((status, spoken), (200, version), f"{url} by {' '.join(options)}")
    if wanted is not None:
        equal(body, wanted, url)
    return kind, body


@check_with_data
def json_over_tls(arena):
    base = f"https://localhost:{arena.tls1}"
    for count, m in (7, 2), (23, 11), (50, 1), (arena.chance.randint(1, 50), arena.number()):
        kind, body = answered(f"{base}/json/{count}?m={m}", "1.1", None, HTTP1)
        assert kind.startswith("application/json"), kind
        objects(body, count, m, arena.dataset)
    answered(f"{base}/json/1?m=1", "1.1", None, HTTP2)  # offers h2 too, and gets what the port has


@check_with_data
def static_over_tls(arena):
    for base, version, option in (arena.tls1, "1.1", HTTP1), (arena.tls2, "2", HTTP2):
        for name in STATIC:
            with open(os.path.join(arena.folder, "static", name), "rb") as file:
                wanted = file.read()
            answered(f"https://localhost:{base}/static/{name}", version, wanted, option)
        _, packed = answered(f"https://localhost:{base}/static/app.js", version, None, option, "-H", "Accept-Encoding: gzip")
        with open(os.path.join(arena.folder, "static", "app.js"), "rb") as file:
            equal(gzip.decompress(packed), file.read(), "app.js, compressed")


@check_with_data
def baseline_over_http2(arena):
    a, b = arena.number(), arena.number()
    for url, option in (f"https://localhost:{arena.tls2}", HTTP2), (f"http://127.0.0.1:{arena.h2c}", PRIOR):
        kind, _ = answered(f"{url}/baseline2?a={a}&b={b}", "2", str(a + b).encode(), option)
        assert kind.startswith("text/plain"), kind
        answered(f"{url}/baseline11?a={a}&b={b}", "2", str(a + b + 9).encode(), option, "-d", "9")


@check_with_data
def json_over_h2c(arena):
    _, body = answered(f"http://127.0.0.1:{arena.h2c}/json/12?m=5", "2", None, PRIOR)
    objects(body, 12, 5, arena.dataset)
    equal(json.loads(body)["count"], 12, "how many")


@check_with_data
def h2c_alone(arena):
    """The port of HTTP/2 without TLS refuses HTTP/1.1, in its own words and asked to upgrade."""
    for more in (), ("-H", "Connection: Upgrade, HTTP2-Settings", "-H", "Upgrade: h2c", "-H", "HTTP2-Settings: AAMAAABkAAQAAP__"):
        status = curl(f"http://127.0.0.1:{arena.h2c}/baseline2?a=1&b=1", HTTP1, *more)[0]
        assert status != 200, f"HTTP/1.1 was answered {status}"
