"""Measures one case: servers side by side, rounds interleaved, medians. Then the latency of all under the same fixed rate."""
import json
import os
import statistics

from . import cases
from .peers import PEERS, Place
from .process import compiled, output

MOST_LATENCY_ROUNDS, SHARE_OF_SLOWEST = 3, 0.6


class Run:
    """One peer in one case."""

    def __init__(self, bench, case, peer, backend):
        self.case, self.peer, self.bench = case, peer, bench
        self.folder = bench.data.copy(f"{case.name}-{peer.name}".replace(" ", "-").replace(":", "-"))
        self.server = peer.start(Place(bench.work, self.folder, backend))
        self.samples, self.latencies, self.total = [], [], 1  # one request checked the answer
        try:
            requests = case.requests(self.server, bench.data)
            cases.check(case, self.server, requests, bench.data)
            self.path = bench.load.requests(f"requests-{self.server.port}", requests)
            self.load(bench.seconds)  # warms caches, and what compiles while it runs
        except BaseException:
            self.server.stop()
            raise

    def load(self, seconds, **how):
        case = self.case
        try:
            seen = self.bench.load.run(self.server.port, self.path, seconds, connections=case.connections, close=case.close,
                                       pipeline=case.pipeline if case.pipeline > 1 else 0, **how)
        except ValueError as error:
            raise ValueError(f"{self.peer.name} in {case.name}: {error}") from error
        self.total += seen["all"]
        return seen

    def sample(self):
        before = self.server.cpu()
        seen = self.load(self.bench.seconds)
        cpu = self.server.cpu() - before
        self.samples.append({"cpu_us": cpu / seen["all"] * 1e6, "per_second": seen["requests"] / seen["seconds"]})

    def sample_latency(self, rate):
        self.latencies.append(self.load(self.bench.seconds, rate=rate, warm=0.2))

    def median(self, name):
        return statistics.median(sample[name] for sample in self.samples)

    def row(self):
        cpu = [sample["cpu_us"] for sample in self.samples]
        row = {"peer": self.peer.name, "version": self.peer.version(), "cpu_us": statistics.median(cpu), "cpu_us_least": min(cpu),
               "cpu_us_most": max(cpu), "per_second": self.median("per_second"), "resident": self.server.resident()}
        if self.latencies:
            for name in "p50_us", "p99_us":
                row[name] = statistics.median(seen[name] for seen in self.latencies)
        return row

    def prove(self):
        if self.case.proof:
            self.case.proof(self.folder, self.total)


class Commits:
    """Beside the durable insert: SQLite in C with one commit for each, no server."""

    def __init__(self, bench):
        self.bench, self.samples, self.server = bench, [], None
        self.folder = bench.data.copy("insert-in-C")
        self.binary = compiled("bench/commit.c", bench.work, "-lsqlite3")

    def sample(self):
        seen = json.loads(output(self.binary, os.path.join(self.folder, "bench.db"), str(self.bench.seconds)))
        self.samples.append({"cpu_us": seen["cpu"] / seen["inserts"] * 1e6, "per_second": seen["inserts"] / seen["seconds"]})

    def row(self):
        return {"peer": "SQLite in C", **{key: statistics.median(one[key] for one in self.samples) for key in self.samples[0]}}


def rotated(runs, by):
    by %= len(runs)
    return runs[by:] + runs[:by]


def measure(bench, case):
    """Returns the result of a case over HTTP, as it is written to bench/results."""
    backend = PEERS["epoll floor"].start(Place(bench.work, bench.data.original), cores=bench.load_cores) \
        if case.name == "fanout" else None
    commits, runs = Commits(bench) if case.name == "insert" else None, []
    try:
        peers, skipped = bench.peers_of(case.name)
        for peer in peers:
            runs.append(Run(bench, case, peer, backend.port if backend else 9))
        for i in range(bench.rounds):
            for run in rotated(runs, i) + ([commits] if commits else []):
                run.sample()
        rate = SHARE_OF_SLOWEST * min(run.median("per_second") for run in runs)
        if case.pipeline == 1:
            for i in range(min(bench.rounds, MOST_LATENCY_ROUNDS)):
                for run in rotated(runs, i):
                    run.sample_latency(rate)
        rows = [run.row() for run in runs] + ([commits.row()] if commits else [])
    finally:
        for server in [run.server for run in runs] + ([backend] if backend else []):
            server.stop()
    for run in runs:
        run.prove()
    return {"case": case.name, "title": case.title, "kind": "http", "rate": round(rate, 1), "connections": case.connections,
            "rows": rows, "skipped": skipped}
