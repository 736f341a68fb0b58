"""What the figures must show, and whether they do; the few of them that README.md has."""
from .figures import digits, human, row_of


def value(results, case, peer, key="cpu_us"):
    row = row_of(results[case], peer) if case in results else None
    return row.get(key) if row else None


def ratio(case, key="cpu_us", peer="rille", of="rille", of_case=None, of_key=None):
    """A function of the results: how many times the one figure the other is, None where either was not measured."""
    def found(results):
        above, below = value(results, case, peer, key), value(results, of_case or case, of, of_key or key)
        return above / below if above and below else None
    return found


def single(case, key, peer="rille", scale=1):
    def found(results):
        got = value(results, case, peer, key)
        return got / scale if got is not None else None
    return found


def worse_beside(results):
    calm, beside = (value(results, "scan", "rille", key) for key in ("calm_p99", "beside_p99"))
    return (beside - calm) / 1000 if calm else None


# What, how it is counted, the goal, whether less is better, the unit.
GOALS = [
    ("hello: CPU, of a bare epoll loop", ratio("hello", of="epoll floor"), 1.13, True, "×"),
    ("hello: CPU, of nginx with Lua", ratio("hello", of="nginx + Lua"), 0.85, True, "×"),
    ("pipelined: CPU, of a bare epoll loop", ratio("pipelined", of="epoll floor"), 2.0, True, "×"),
    ("point read: CPU, of hello", ratio("point-read", of_case="hello"), 1.5, True, "×"),
    ("point read: CPU of Fastify with better-sqlite3, of ours", ratio("point-read", peer="Fastify"), 3, False, "×"),
    ("point read: CPU of aiohttp with aiosqlite, of ours", ratio("point-read", peer="aiohttp"), 10, False, "×"),
    ("20 rows: CPU, of hello", ratio("rows", of_case="hello"), 2.2, True, "×"),
    ("20 rows: CPU of Fastify, of ours", ratio("rows", peer="Fastify"), 3, False, "×"),
    ("durable insert: requests/s, of one sync for each", ratio("insert", "per_second", of="SQLite in C"), 12, False, "×"),
    ("durable insert: requests/s, of aiohttp's", ratio("insert", "per_second", of="aiohttp"), 10, False, "×"),
    ("JSON of 50 objects: encoding, of lua-cjson", ratio("codec", "encode_objects", of="lua-cjson"), 0.4, True, "×"),
    ("JSON of 50 objects: encoding, of JSON.stringify", ratio("codec", "encode_objects", of="node JSON"), 1.0, True, "×"),
    ("JSON of 50 objects: decoding, of lua-cjson", ratio("codec", "decode_objects", of="lua-cjson"), 0.45, True, "×"),
    ("JSON of 50 objects: decoding, of JSON.parse", ratio("codec", "decode_objects", of="node JSON"), 1.5, True, "×"),
    ("page of 12 rows: CPU, of hello", ratio("page", of_case="hello"), 1.6, True, "×"),
    ("HTTP/2 with TLS, 100 streams: CPU, of HTTP/1.1 without", ratio("secure", "h2_us", of_key="http1_us"), 1.6, True, "×"),
    ("HTTP/2 without TLS, 100 streams: CPU, of HTTP/1.1", ratio("secure", "h2c_us", of_key="http1_us"), 1.6, True, "×"),
    ("HTTP/2: CPU, of nginx with Lua", ratio("secure", "h2_us", of="nginx + Lua"), 1.0, True, "×"),
    ("TLS: CPU, of the same without", ratio("secure", "tls_us", of_key="http1_us"), 1.35, True, "×"),
    ("a long scan beside: p99 of hello above its calm p99", worse_beside, 5, True, "ms"),
    ("memory of an idle server", single("start", "resident", "rille hello", 1 << 20), 8, True, "MiB"),
    ("`rille version`", single("script", "run_ms", peer="rille version"), 8, True, "ms"),
    ("an empty script", single("script", "run_ms"), 10, True, "ms"),
    ("start to first answer", single("start", "first_ms", "rille hello"), 25, True, "ms"),
]


def as_markdown(results):
    lines = ["| | measured | goal | |", "|---|---:|---:|---|"]
    for what, count, goal, less, unit in GOALS:
        got = count(results)
        met = "" if got is None else "met" if (got <= goal if less else got >= goal) else "**not met**"
        measured = "" if got is None else f"{digits(got)} {unit}"
        lines.append(f"| {what} | {measured} | {'≤' if less else '≥'} {goal} {unit} | {met} |")
    return "\n".join(lines)


# The rows of README.md: a case, and the peers that it names.
SHOWN = [
    ("hello", "a string from a handler", ("nginx + Lua", "Go", "Fastify", "aiohttp")),
    ("json", "JSON of 50 objects", ("nginx + Lua", "Go", "Fastify", "aiohttp")),
    ("page", "a page of 12 rows from a template", ("Go", "Fastify", "aiohttp")),
    ("point-read", "a row of SQLite as JSON", ("Go", "Fastify", "aiohttp")),
    ("rows", "20 rows of SQLite as JSON", ("Go", "Fastify", "aiohttp")),
    ("session", "a sealed session read", ("Go", "Fastify", "aiohttp")),
    ("static-small", "a file of 10 KiB", ("nginx", "Go", "Fastify", "aiohttp")),
]
COLUMNS = "nginx", "nginx + Lua", "Go", "Fastify", "aiohttp"


def summary(results):
    lines = ["| CPU per request, rille = 1 | rille | " + " | ".join(COLUMNS) + " |", "|---|---:|" + "---:|" * len(COLUMNS)]
    for case, what, peers in SHOWN:
        ours = value(results, case, "rille")
        if not ours:
            continue
        others = [value(results, case, peer) if peer in peers else None for peer in COLUMNS]
        times = [digits(other / ours) if other else "" for other in others]
        lines.append(f"| {what} | {human(ours, 'us')} | " + " | ".join(times) + " |")
    return "\n".join(lines + written(results))


def written(results):
    """The line on durable writes: a sync of the disk is not CPU."""
    rates = [(peer, value(results, "insert", peer, "per_second")) for peer in ("rille", "Go", "Fastify", "aiohttp")]
    rates = [f"{peer} {human(rate, 'per_second')}" for peer, rate in rates if rate]
    lines = ["", "- Durable inserts a second from 64 connections: " + ", ".join(rates) + "."] if rates else [""]
    return lines + [line for line in (of_templates(results), of_client(results), of_memory(results)) if line]


def of_templates(results):
    pages = [ratio("templates", name, peer="Jinja2")(results) for name in ("fortunes", "catalogue", "form")]
    return f"- Templates are {digits(min(pages))} to {digits(max(pages))} times as fast as Jinja2." if all(pages) else None


def of_client(results):
    undici, aiohttp = ratio("client", of="undici request")(results), ratio("client", of="aiohttp")(results)
    if not undici or not aiohttp:
        return None
    return f"- The client takes {digits(undici)} of the CPU of undici's `request`, {digits(aiohttp)} of that of aiohttp's client."


def of_memory(results):
    server, each = value(results, "start", "rille hello", "resident"), value(results, "idle", "rille", "each")
    return f"- An idle server takes {human(server, 'bytes')} of memory, an idle connection {human(each, 'bytes')}." if server and each else None
