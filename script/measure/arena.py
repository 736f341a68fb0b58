"""The checks of bench/arena/validate. Each raises AssertionError where the server answers otherwise than it must."""
import gzip
import http.client
import json
import os
import random
import shutil
import socket
import tempfile
import threading
import time
import urllib.parse

from .data import item
from .process import RILLE, ROOT, Server, all_cores, certificate, free_port

CHECKS = []
DATASET, ROWS, MIB = 50, 2000, 1 << 20
PAUSE_S = 0.05  # between the parts of a request: long enough that the server reads the first alone
STATIC = {"reset.css": "text/css", "theme.css": "text/css", "app.js": "text/javascript", "vendor.js": "text/javascript",
          "header.html": "text/html", "regular.woff2": "font/woff2", "logo.svg": "image/svg+xml", "hero.webp": "image/webp",
          "manifest.json": "application/json"}


def check(function):
    CHECKS.append((function, False))
    return function


def check_with_data(function):
    CHECKS.append((function, True))
    return function


class Arena:
    """The server under test, and the data that it was given."""

    def __init__(self, host, port, folder=None, dataset=None, secure=(None, None, None)):
        self.host, self.port, self.folder, self.dataset = host, port, folder, dataset
        self.tls1, self.tls2, self.h2c = secure  # ports: HTTP/1.1 over TLS, HTTP/2, HTTP/2 without TLS
        self.chance = random.Random()

    def ask(self, method, path, body=None, headers=None, encode_chunked=False):
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {}, encode_chunked=encode_chunked)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def text(self, method, path, body=None, **how):
        status, _, got = self.ask(method, path, body, **how)
        assert status == 200, f"{method} {path}: {status} {got[:100]!r}"
        return got.decode()

    def status(self, method, path, body=None, **how):
        return self.ask(method, path, body, **how)[0]

    def connect(self):
        s = socket.create_connection((self.host, self.port), timeout=30)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def number(self, most=999):
        return self.chance.randint(100, most)


def equal(got, wanted, what):
    assert got == wanted, f"{what}: expected {wanted!r}, got {got!r}"


def read_answer(s):
    answer = http.client.HTTPResponse(s)
    answer.begin()
    return answer.status, answer.read()


@check
def baseline(arena):
    a, b, c = arena.number(), arena.number(), arena.number()
    path = f"/baseline11?a={a}&b={b}"
    equal(arena.text("GET", path), str(a + b), "the sum of the query")
    equal(arena.text("POST", path, str(c)), str(a + b + c), "with a body")
    for _ in range(3):
        c = arena.number()
        equal(arena.text("POST", "/baseline11?a=13&b=42", iter([str(c)[:1].encode(), str(c)[1:].encode()]),
                         headers={"Transfer-Encoding": "chunked"}, encode_chunked=True), str(55 + c), "with a chunked body")
    equal(arena.text("GET", "/baseline11?b=-2&a=1"), "-1", "negative numbers")
    equal(arena.ask("GET", path)[1].get_content_type(), "text/plain", "the type")


@check
def pipelined(arena):
    with arena.connect() as s:
        numbers = [arena.number() for _ in range(16)]
        s.sendall(b"".join(b"GET /baseline11?a=%d&b=1 HTTP/1.1\r\nHost: x\r\n\r\n" % n for n in numbers))
        with s.makefile("rb") as file:
            for n in numbers:
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    line = file.readline()
                    assert line, "closed before the last answer"
                    head += line
                length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
                equal(file.read(length), b"%d" % (n + 1), "an answer in its turn")
    equal(arena.text("GET", "/pipeline"), "ok", "/pipeline")


@check
def wrong_requests(arena):
    for path in ("/baseline11", "/baseline11?a=1", "/baseline11?a=x&b=1", "/delay/70000", "/delay/-1", "/delay/x", "/nowhere",
                 "/ws"):
        status = arena.status("GET", path)
        assert 400 <= status <= 499, f"GET {path}: {status}"
    for body in "", "x", "1 2":
        equal(arena.status("POST", "/baseline11?a=1&b=2", body), 400, f"a body that is no number: {body!r}")
    equal(arena.status("DELETE", "/baseline11"), 405, "a method that the path does not have")
    for raw in (b"GET / HTTP/1.1\r\n\r\n",
                b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n12",
                b"POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                b"POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"):
        with arena.connect() as s:
            s.sendall(raw)
            equal(read_answer(s)[0], 400, f"{raw[:60]!r}")


def shapes(arena):
    """Requests to be split, and the sum that each must be answered with."""
    a, b, c = arena.number(), arena.number(), arena.number()
    get, post = b"GET /baseline11?a=13&b=42 HTTP/1.1\r\n", b"POST /baseline11?a=13&b=42 HTTP/1.1\r\n"
    close, random_post = b"Connection: close\r\n\r\n", b"POST /baseline11?a=%d&b=%d HTTP/1.1\r\n" % (a, b)
    yield get + b"Host: x\r\n" + close, 55
    yield get + b"Host: x\r\nUser-Agent: split/1\r\nAccept: */*\r\nAccept-Encoding: gzip, br\r\n" + close, 55
    yield get + b"host: x\r\nconnection: close\r\n\r\n", 55
    yield b"GET /baseline11?a=%d&b=%d HTTP/1.1\r\nHost: x\r\n" % (a, b) + close, a + b
    yield post + b"Host: x\r\nContent-Length: 2\r\n" + close + b"20", 75
    yield post + b"host: x\r\ncontent-length: 2\r\nconnection: close\r\n\r\n20", 75
    yield random_post + b"Host: x\r\nContent-Length: 3\r\n" + close + b"%d" % c, a + b + c
    yield post + b"Host: x\r\nTransfer-Encoding: chunked\r\n" + close + b"2\r\n20\r\n0\r\n\r\n", 75
    yield post + b"Host: x\r\nTransfer-Encoding: chunked\r\n" + close + b"1\r\n2\r\n1;x=y\r\n0\r\n0\r\nTrailer: z\r\n\r\n", 75


def ask_in_parts(arena, batch):
    """Sends the first parts of a batch, waits once, sends the rest, reads all answers."""
    sockets = [arena.connect() for _ in batch]
    try:
        for s, (request, at, _) in zip(sockets, batch):
            s.sendall(request[:at])
        time.sleep(PAUSE_S)
        for s, (request, at, _) in zip(sockets, batch):
            s.sendall(request[at:])
        for s, (request, at, wanted) in zip(sockets, batch):
            equal(read_answer(s), (200, str(wanted).encode()), f"split at {at} of {request!r}")
    finally:
        for s in sockets:
            s.close()


@check
def split_at_every_byte(arena):
    splits = [(request, at, wanted) for request, wanted in shapes(arena) for at in range(1, len(request))]
    for i in range(0, len(splits), 256):
        ask_in_parts(arena, splits[i:i + 256])


@check
def byte_by_byte(arena):
    with arena.connect() as s:
        for byte in b"POST /baseline11?a=13&b=42 HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n20":
            s.sendall(bytes([byte]))
        equal(read_answer(s), (200, b"75"), "each byte in a segment of its own")


@check
def upload(arena):
    for size in 0, 1, 17, arena.chance.randint(1000, 100000), 500 * 1024, 2 * MIB, 20 * MIB:
        equal(arena.text("POST", "/upload", random.randbytes(size)), str(size), "bytes that arrived")


@check
def chunked_upload(arena):
    sizes = [arena.chance.randint(1, 70000) for _ in range(40)]
    equal(arena.text("POST", "/upload", (random.randbytes(size) for size in sizes), encode_chunked=True,
                     headers={"Transfer-Encoding": "chunked"}), str(sum(sizes)), "bytes that arrived in chunks")


@check
def cut_upload(arena):
    """A client that goes away in the middle of a body gets no answer, and nobody else notices."""
    for head in b"Content-Length: 1000000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\nfffff\r\n":
        for _ in range(8):
            with arena.connect() as s:
                s.sendall(b"POST /upload HTTP/1.1\r\nHost: x\r\n" + head + b"x" * arena.chance.randint(1, 50000))
                s.shutdown(socket.SHUT_WR)
                got = s.recv(4096)
                assert not got.startswith(b"HTTP/1.1 2"), f"a cut upload was answered: {got[:60]!r}"
    equal(arena.text("POST", "/upload", b"x" * 1000), "1000", "an upload after those that were cut")


@check
def delays(arena):
    for ms in 0, arena.chance.randint(10, 90):
        start = time.monotonic()
        equal(arena.text("GET", f"/delay/{ms}"), str(ms), "the delay")
        assert time.monotonic() - start >= ms / 1000, f"a delay of {ms} ms was shorter"
    equal(arena.ask("GET", "/delay/0")[1].get_content_type(), "text/plain", "the type")


@check
def delays_at_once(arena):
    faults, threads = [], []

    def one(ms):
        start = time.monotonic()
        try:
            got = arena.text("GET", f"/delay/{ms}")
            if got != str(ms) or time.monotonic() - start < ms / 1000:
                faults.append((ms, got, time.monotonic() - start))
        except (AssertionError, OSError) as error:
            faults.append((ms, error))
    for ms in arena.chance.sample(range(100, 500), 32):
        threads.append(threading.Thread(target=one, args=(ms,)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    assert not faults, f"{len(faults)} of 32 delays: {faults[:3]}"


@check
def echo(arena):
    body = random.randbytes(10240)
    status, headers, got = arena.ask("POST", "/echo", body, {"Content-Type": "application/octet-stream"})
    assert (status, got) == (200, body), "an echo is not what was sent"
    equal(headers["Content-Type"], "application/octet-stream", "its type")


def objects(text, count, m, dataset):
    value = json.loads(text)
    equal(value.keys(), {"items", "count"}, "the fields")
    equal((value["count"], len(value["items"])), (count, count), "how many")
    for got, wanted in zip(value["items"], dataset):
        equal(got, {**wanted, "total": wanted["price"] * wanted["quantity"] * m}, "an item")


@check_with_data
def json_of_the_dataset(arena):
    for count, m in (0, 1), (1, 1), (12, 3), (22, 7), (50, arena.number()):
        status, headers, got = arena.ask("GET", f"/json/{count}?m={m}")
        equal((status, headers.get_content_type(), headers["Content-Encoding"]), (200, "application/json", None), "the head")
        objects(got, count, m, arena.dataset)
    status, headers, got = arena.ask("GET", "/json/40?m=7", headers={"Accept-Encoding": "gzip"})
    equal((status, headers["Content-Encoding"]), (200, "gzip"), "the head of a compressed answer")
    objects(gzip.decompress(got), 40, 7, arena.dataset)
    for path in "/json/x", "/json/1?m=x", "/json/-1":
        assert 400 <= arena.status("GET", path) <= 499, path


def compressed(arena, name):
    return os.path.exists(os.path.join(arena.folder, "static", name + ".gz"))


@check_with_data
def static(arena):
    for name, kind in STATIC.items():
        with open(os.path.join(arena.folder, "static", name), "rb") as file:
            wanted = file.read()
        status, headers, got = arena.ask("GET", f"/static/{name}")
        equal((status, headers["Content-Encoding"]), (200, None), name)
        assert got == wanted, f"{name} is not what is on the disk"
        equal(headers.get_content_type().replace("application/javascript", "text/javascript"), kind, f"the type of {name}")
        status, headers, got = arena.ask("GET", f"/static/{name}", headers={"Accept-Encoding": "br;q=1, gzip;q=0.8"})
        equal((status, headers["Content-Encoding"]), (200, "gzip" if compressed(arena, name) else None), f"{name}, compressed")
        assert (gzip.decompress(got) if headers["Content-Encoding"] else got) == wanted, f"{name}, compressed"
    for path in "/static/nonexistent.txt", "/static/../dataset.json", "/static/%2e%2e/dataset.json":
        equal(arena.status("GET", path), 404, path)


def crud_item(arena, number):
    status, headers, got = arena.ask("GET", f"/crud/items/{number}")
    equal(status, 200, f"item {number}")
    return headers["X-Cache"], json.loads(got)


@check_with_data
def crud_reads(arena):
    value = json.loads(arena.text("GET", "/crud/items?category=electronics&page=2&limit=5"))
    equal((len(value["items"]), value["total"], value["page"], value["limit"]), (5, 5, 2, 5), "a page")
    for one in value["items"]:
        equal(one.keys(), {"id", "name", "category", "price", "quantity", "active", "tags", "rating"}, "the fields")
        equal(one["rating"].keys(), {"score", "count"}, "the rating")
        assert one["category"] == "electronics" and isinstance(one["tags"], list) and isinstance(one["active"], bool), one
    equal(json.loads(arena.text("GET", "/crud/items?category=none"))["items"], [], "an empty page")
    equal(arena.status("GET", "/crud/items/999999"), 404, "no such item")
    equal(arena.status("GET", "/crud/items?page=x"), 422, "a page that is no number")


@check_with_data
def crud_cache(arena):
    number = arena.chance.randint(1, ROWS)
    found, one = crud_item(arena, number)
    equal((found, one["id"]), ("MISS", number), "the first read")
    start = time.monotonic()
    found, again = crud_item(arena, number)
    if time.monotonic() - start < 0.1:
        equal((found, again), ("HIT", one), "the second")
    changed = json.dumps({"name": "Changed", "price": 30, "quantity": 5})
    equal(arena.status("PUT", f"/crud/items/{number}", changed, headers={"Content-Type": "application/json"}), 200, "an update")
    found, one = crud_item(arena, number)
    equal((found, one["name"], one["price"]), ("MISS", "Changed", 30), "a read after an update")


@check_with_data
def crud_writes(arena):
    def write(method, path, value):
        body = value if isinstance(value, str) else json.dumps(value)
        return arena.status(method, path, body, headers={"Content-Type": "application/json"})
    new = {"id": 200001, "name": "Bench Test", "category": "test", "price": 25, "quantity": 10}
    equal(write("POST", "/crud/items", new), 201, "an insert")
    equal(write("POST", "/crud/items", {**new, "price": 26}), 201, "the same again")
    equal(crud_item(arena, 200001)[1]["price"], 26, "what was written last")
    equal(write("PUT", "/crud/items/999999", {"name": "x", "price": 1, "quantity": 1}), 404, "an update of nothing")
    equal(write("POST", "/crud/items", "{"), 400, "no JSON")
    for wrong in {**new, "price": "25"}, {**new, "price": 1.5}, {**new, "name": ""}, {"id": 7}, [new], {**new, "id": None}:
        equal(write("POST", "/crud/items", wrong), 422, f"{wrong}")


def write_data(folder):
    """The dataset and the files of HttpArena's names, with contents made up here; some have a .gz beside them."""
    chance = random.Random(16)
    dataset = [item(i, chance) for i in range(1, DATASET + 1)]
    with open(os.path.join(folder, "dataset.json"), "w", encoding="utf-8") as file:
        json.dump(dataset, file)
    os.mkdir(os.path.join(folder, "static"))
    for name in STATIC:
        binary = name.endswith(("woff2", "webp"))
        content = chance.randbytes(20000) if binary else f"/* text */ {name}\n".encode() * 900
        with open(os.path.join(folder, "static", name), "wb") as file:
            file.write(content)
        if not binary and not name.endswith("html"):
            with gzip.open(os.path.join(folder, "static", name + ".gz"), "wb") as file:
                file.write(content)
    return dataset


def validate(arena):
    passed = failed = 0
    for function, needs_data in CHECKS:
        if needs_data and not arena.folder:
            continue
        name = function.__name__.replace("_", " ")
        try:
            function(arena)
            passed += 1
            print(f"ok      {name}")
        except (AssertionError, OSError, ValueError, http.client.HTTPException) as error:
            failed += 1
            print(f"FAILED  {name}: {error or type(error).__name__}")
    return passed, failed


def validate_url(url):
    parts = urllib.parse.urlsplit(url)
    return validate(Arena(parts.hostname, parts.port or 80))


def validate_program(rille=None):
    folder, port, tls1, tls2, h2c = tempfile.mkdtemp(prefix="arena-"), free_port(), free_port(), free_port(), free_port()
    try:
        dataset = write_data(folder)
        env = {"ARENA_DATA": folder, "ARENA_DATABASE": os.path.join(folder, "arena.db"), "ARENA_ROWS": str(ROWS)}
        command = [rille or RILLE, "serve", os.path.join(ROOT, "bench", "arena", "app.lua"), "--port", str(port),
                   "--tls", ",".join(certificate(folder)), "--tls-port", str(tls2), "--tls-port", f"{tls1},http/1.1",
                   "--h2c-port", str(h2c)]
        server = Server("the arena's program", command, port, cores=all_cores(), env=env, work=folder)
        try:
            result = validate(Arena("127.0.0.1", port, folder, dataset, (tls1, tls2, h2c)))
            if server.process.poll() is not None:
                raise SystemExit("the server has ended meanwhile")
            return result
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
