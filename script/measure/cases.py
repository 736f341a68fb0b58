"""What is asked over HTTP, and what the answer must be. script/measure/rounds.py measures it."""
import http.client
import json
import random

from .data import ACCOUNTS, ROWS, counted
from .load import request

CASES = {}


class Case:
    """requests(server, data): what is sent in turn. answer(data): the body that each server must give to the first of them, as
    bytes (exactly), a dict or list (as JSON) or a str (as HTML, whatever its spaces). proof(folder, count): raises where what was
    acknowledged is not there."""

    def __init__(self, name, title, requests, answer, proof=None, **how):
        self.name, self.title, self.requests, self.answer, self.proof = name, title, requests, answer, proof
        self.connections, self.pipeline, self.close = how.get("connections", 64), how.get("pipeline", 1), how.get("close", False)
        CASES[name] = self


def get(path, **how):
    return lambda server, data: [request("GET", path, **how)]


def of_ids(pattern, most, count=500):
    """Requests for ids at random, the same on every run; the first is for 7."""
    ids = [7] + [random.Random(7).randrange(1, most) for _ in range(count - 1)]
    return lambda server, data: [request("GET", pattern.format(i)) for i in ids]


def page(data):
    rows = "".join(f'<tr class="{"on" if i["active"] else "off"}"><td>{i["id"]}</td>'
                   f'<td><a href="/items/{i["id"]}">{i["name"]}</a></td><td>{escaped(i["category"])}</td><td>{i["price"]}</td></tr>' for i in data.items[:12])
    return f"<!doctype html><html><head><title>Items</title></head><body><table>{rows}</table></body></html>"


def escaped(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


ORDER = {"name": "Amber basalt", "category": "garden", "price": 120, "quantity": 3, "tags": ["a", "quoted \" tag", "ünï"]}
JSON_TYPE = ("Content-Type", "application/json"),
TEXT_TYPE = ("Content-Type", "text/plain"),
NOTE = b"A note of ordinary length that somebody wants to find again tomorrow."
UPLOAD = 20 << 20


def orders(server, data):
    return [request("POST", "/orders", json.dumps(ORDER).encode(), JSON_TYPE)]


def transfers(server, data):
    chance = random.Random(11)
    return [request("POST", "/transfers/{}/{}".format(*chance.sample(range(1, ACCOUNTS + 1), 2)), b"", TEXT_TYPE)
            for _ in range(500)]


def signed_in(server, data):
    """A request with the cookie that this server itself gave."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    connection.request("POST", "/login", b"", dict(TEXT_TYPE))
    answer = connection.getresponse()
    answer.read()
    cookie = answer.getheader("Set-Cookie").split(";", 1)[0]
    connection.close()
    return [request("GET", "/session", headers=[("Cookie", cookie)])]


def notes_are_there(folder, count):
    if counted(folder, "SELECT count(*) FROM notes") < count:
        raise ValueError("an acknowledged note is not in the database")


def money_is_there(folder, count):
    if counted(folder, "SELECT count(*) FROM transfers") < count:
        raise ValueError("an acknowledged transfer is not in the database")
    if counted(folder, "SELECT sum(balance) FROM accounts") != ACCOUNTS * 1000000000:
        raise ValueError("transfers made or lost money")


def with_totals(data):
    return {"items": [{**item, "total": item["price"] * item["quantity"]} for item in data.items], "count": len(data.items)}


def twenty(data):
    return [{name: data.rows[i][name] for name in ("id", "name", "price")} for i in range(8, 28)]


Case("hello", "A string from a handler, 64 connections", get("/"), lambda data: b"hello")
Case("pipelined", "The same, 16 requests pipelined", get("/"), lambda data: b"hello", pipeline=16)
Case("json", "JSON of 50 objects, made for each request", get("/json"), with_totals)
Case("orders", "JSON in, checked, and JSON out", orders, lambda data: {**ORDER, "total": 360})
Case("routes", "The last of 200 routes with a parameter", get("/section200/77/page200"), lambda data: b"77")
Case("page", "A page of 12 rows from a template", get("/page"), page)
Case("point-read", "A row of SQLite by its key, as JSON", of_ids("/items/{}", ROWS), lambda data: data.rows[7])
Case("rows", "20 rows of SQLite, three columns, as JSON", of_ids("/rows/{}", ROWS - 30), twenty)
Case("insert", "A durable insert: on the disk before the answer, 64 connections",
     lambda server, data: [request("POST", "/notes", NOTE, TEXT_TYPE)], lambda data: {"id": int}, notes_are_there)
Case("transaction", "A durable transaction of 5 statements", transfers, lambda data: {"ok": True}, money_is_there)
Case("static-small", "A file of 10 KiB", get("/files/small.css"), lambda data: data.files["small.css"])
Case("static-large", "A file of 10 MiB, 8 connections", get("/files/large.bin"), lambda data: data.files["large.bin"],
     connections=8)
Case("upload", "An upload of 20 MB, 8 connections",
     lambda server, data: [request("POST", "/upload", bytes(UPLOAD), [("Content-Type", "application/octet-stream")])],
     lambda data: str(UPLOAD).encode(), connections=8)
Case("short", "A connection for each request", get("/", close=True), lambda data: b"hello", close=True)
Case("fanout", "Five requests to another server at once, then the answer", get("/fanout"), lambda data: b"25")
Case("session", "A user's name out of a sealed cookie", signed_in, lambda data: b"ada")


def first_answer(server, sent):
    """The body that the server gives to these bytes."""
    import socket
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as s:
        s.sendall(sent)
        answer = http.client.HTTPResponse(s)
        answer.begin()
        body = answer.read()
    if not 200 <= answer.status <= 299:
        raise ValueError(f"answers {answer.status}: {body[:200]!r}")
    return body


def same(got, wanted):
    """Compares a body with what it must be."""
    if isinstance(wanted, bytes):
        return got == wanted
    if isinstance(wanted, str):
        return b"".join(got.split()) == "".join(wanted.split()).encode()
    value = json.loads(got)
    if isinstance(wanted, dict) and int in wanted.values():
        return isinstance(value, dict) and value.keys() == wanted.keys() and all(isinstance(v, int) for v in value.values())
    return value == wanted


def check(case, server, requests, data):
    """Raises where the server does not answer as it must: a wrong answer is no fast one."""
    got = first_answer(server, requests[0])
    if not same(got, case.answer(data)):
        raise ValueError(f"{server.name} answers {case.name} otherwise: {got[:300]!r}")
