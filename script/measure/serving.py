"""What is asked of servers beside requests as fast as they go: starting, idle connections, more workers, a long scan."""
import http.client
import os
import resource
import socket
import statistics
import subprocess
import threading
import time

from . import cases
from .load import finish, read, request
from .peers import PYTHON, Place
from .process import RILLE, ROOT, all_cores, pinned

BENCHES = {}
IDLE = 10000


def bench(function):
    BENCHES[function.__name__] = function
    return function


def started(bench, case, peer, **how):
    return peer.start(Place(bench.work, bench.data.original), **how)


def result(case, function, columns, rows, skipped=None):
    return {"case": case, "title": function.__doc__.rstrip("."), "kind": "table", "columns": columns, "rows": rows,
            "skipped": skipped or {}}


def ask_once(port, count):
    """So many connections, each answered once and left open."""
    sockets = []
    try:
        for _ in range(count):
            s = socket.create_connection(("127.0.0.1", port), timeout=30)
            sockets.append(s)
            s.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        for s in sockets:
            if not s.recv(4096).startswith(b"HTTP/1.1 200"):
                raise ValueError("a connection was not answered")
    except OSError as error:
        for s in sockets:
            s.close()
        raise ValueError(f"connection {len(sockets)} of {count}: {error}") from error
    return sockets


@bench
def idle(bench):
    """Memory of 10,000 connections that were answered once and stay open."""
    count = 500 if bench.quick else IDLE
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 2000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    peers, skipped = bench.peers_of("idle")
    rows = []
    for peer in peers:
        server = started(bench, "idle", peer)
        try:
            bench.load.run(server.port, bench.load.requests("hello", [request("GET", "/")]), 0.3)
            before = server.resident()
            sockets = ask_once(server.port, count)
            time.sleep(0.3)
            after = server.resident()
            for s in sockets:
                s.close()
        finally:
            server.stop()
        rows.append({"peer": peer.name, "each": (after - before) / count, "resident": after})
    columns = [["each", "each connection", "bytes"], ["resident", "memory of the process", "bytes"]]
    return result("idle", idle, columns, rows, skipped)


def milliseconds(command):
    begin = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, preexec_fn=pinned(all_cores()))
    return (time.perf_counter() - begin) * 1000


def empty_scripts(work):
    path = os.path.join(work, "empty.lua")
    with open(path, "w", encoding="utf-8"):
        pass
    return {"rille": [RILLE, "run", path], "lua5.4": ["lua5.4", path], "node": ["node", path], "python3": [PYTHON, path]}


def times_of_commands(bench, commands):
    times = {name: [] for name in commands}
    for _ in range(bench.rounds * 4):
        for name, command in commands.items():
            times[name].append(milliseconds(command))
    return {name: statistics.median(values) for name, values in times.items()}


@bench
def start(bench):
    """Starting: from the start of the process to the first answer, and memory before any load."""
    peers, skipped = bench.peers_of("start")
    first, resident = {peer.name: [] for peer in peers}, {}
    for _ in range(bench.rounds):
        for peer in peers:
            server = started(bench, "start", peer)
            first[peer.name].append(server.ms_to_first_answer)
            resident[peer.name] = server.resident()
            server.stop()
    rows = [{"peer": name, "first_ms": statistics.median(values), "resident": resident[name]} for name, values in first.items()]
    return result("start", start, [["first_ms", "first answer", "ms"], ["resident", "memory", "bytes"]], rows, skipped)


@bench
def script(bench):
    """A script that does nothing, from start to end."""
    from shutil import which
    commands = {name: command for name, command in empty_scripts(bench.work).items() if which(command[0])}
    commands["rille version"] = [RILLE, "version"]
    rows = [{"peer": name, "run_ms": ms} for name, ms in times_of_commands(bench, commands).items()]
    return result("script", script, [["run_ms", "start to end", "ms"]], rows)


def rates_of(bench, peer):
    """Requests a second of 50 objects with one worker and with two, which share both cores with the load."""
    rates = {}
    path = bench.load.requests("json", [request("GET", "/json")])
    servers = {threads: started(bench, "threads", peer, cores=all_cores(), threads=threads) for threads in (1, 2)}
    try:
        for threads, server in servers.items():
            cases.check(cases.CASES["json"], server, [request("GET", "/json")], bench.data)
            bench.load.run(server.port, path, bench.seconds, cores=all_cores())
        for _ in range(bench.rounds):
            for threads, server in servers.items():
                seen = bench.load.run(server.port, path, bench.seconds, cores=all_cores())
                rates.setdefault(threads, []).append(seen["requests"] / seen["seconds"])
    finally:
        for server in servers.values():
            server.stop()
    return {threads: statistics.median(values) for threads, values in rates.items()}


@bench
def threads(bench):
    """JSON of 50 objects with one worker and with two; the load shares the two cores."""
    peers, skipped = bench.peers_of("threads")
    rows = []
    for peer in peers:
        rates = rates_of(bench, peer)
        rows.append({"peer": peer.name, "one": rates[1], "two": rates[2], "gain": rates[2] / rates[1]})
    columns = [["one", "one worker", "per_second"], ["two", "two workers", "per_second"], ["gain", "gain", "times"]]
    return result("threads", threads, columns, rows, skipped)


def scan_again_and_again(port, stopping, count):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while not stopping.is_set():
        connection.request("GET", "/scan")
        answer = connection.getresponse()
        answer.read()
        count.append(answer.status)
    connection.close()


def latency_beside_scan(bench, server, path, rate):
    calm = bench.load.run(server.port, path, bench.seconds, rate=rate, warm=0.2, cores={1 % os.cpu_count()})
    stopping, scans = threading.Event(), []
    scanner = threading.Thread(target=scan_again_and_again, args=(server.port, stopping, scans))
    scanner.start()
    try:
        load = bench.load.start(server.port, path, max(bench.seconds, 0.5), rate=rate, warm=0.2)
        beside = read(*finish(load))
    finally:
        stopping.set()
        scanner.join()
    if set(scans) - {200}:
        raise ValueError(f"a scan was answered {sorted(set(scans))}")
    return calm, beside, len(scans)


@bench
def scan(bench):
    """The latency of hello at 1,000 requests a second beside one connection that asks for scans of some 100 ms; on two cores."""
    peers, skipped = bench.peers_of("scan")
    path, rows = bench.load.requests("hello", [request("GET", "/")]), []
    for peer in peers:
        server = started(bench, "scan", peer, cores=all_cores())
        try:
            bench.load.run(server.port, path, bench.seconds)
            runs = [latency_beside_scan(bench, server, path, 1000) for _ in range(min(bench.rounds, 3))]
        finally:
            server.stop()
        row = {"peer": peer.name, "scans": sum(scans for _, _, scans in runs)}
        for name, at in ("calm", 0), ("beside", 1):
            row[name + "_p50"] = statistics.median(run[at]["p50_us"] for run in runs)
            row[name + "_p99"] = statistics.median(run[at]["p99_us"] for run in runs)
        rows.append(row)
    columns = [["calm_p50", "p50 calm", "us"], ["beside_p50", "p50 beside", "us"], ["calm_p99", "p99 calm", "us"],
               ["beside_p99", "p99 beside", "us"]]
    return result("scan", scan, columns, rows, skipped)
