"""What is measured inside of processes, beside peers: JSON, templates, the HTTP client."""
import json
import os
import shutil
import statistics
import subprocess
import tempfile

from . import secure
from .load import request
from .peers import HERE, PEERS, PYTHON, Place
from .process import LOAD_CORES, RILLE, ROOT, certificate, compiled, output, pinned
from .serving import result

BENCHES = {}


def bench(function):
    BENCHES[function.__name__] = function
    return function


@bench
def codec(bench):
    """Encoding and decoding JSON inside of the process: 50 objects, one small object, 1,000 numbers."""
    path, times = os.path.join(bench.data.original, "items.json"), "20" if bench.quick else "400"
    found, skipped = {}, {}
    for _ in range(bench.rounds):
        seen = json.loads(output(RILLE, "run", "bench/codec.lua", path, times))
        if shutil.which("node"):
            seen.update(json.loads(output("node", "bench/codec.mjs", path, times)))
        for name, values in seen.items():
            found.setdefault(name, []).append(values)
    for name, hint in ("lua-cjson", "apt-get install lua-cjson"), ("node JSON", "apt-get install nodejs"):
        if name not in found:
            skipped[name] = hint
    rows = [{"peer": name, **{key: statistics.median(v[key] for v in values) for key in values[0]}}
            for name, values in found.items()]
    rows.sort(key=lambda row: row["peer"] != "rille")
    values = ("objects", "50 objects"), ("small", "a small one"), ("numbers", "1,000 numbers")
    columns = [[f"{way}_{what}", f"{way} {title}", "us"] for what, title in values for way in ("encode", "decode")]
    return result("codec", codec, columns, rows, skipped)


JINJA = """
import json, sys, time
from jinja2 import Environment, FileSystemLoader
pages, work, times = sys.argv[1:]
env = Environment(loader=FileSystemLoader(pages), autoescape=True, trim_blocks=True, lstrip_blocks=True)
result = {}
for name in "fortunes", "catalogue", "form":
    template, context = env.get_template(name + ".html"), json.load(open(f"{work}/{name}.json", encoding="utf-8"))
    if template.render(context) != open(f"{work}/{name}.html", encoding="utf-8").read():
        sys.exit(f"bench: Jinja2 renders {name}.html otherwise")
    start = time.process_time()
    for _ in range(int(times)):
        template.render(context)
    result[name] = (time.process_time() - start) / int(times) * 1e6
print(json.dumps(result))
"""


def rendered(bench, work):
    """Least times over the rounds, by program: a neighbour on the same core only ever adds."""
    by_hand, runs = compiled("bench/fortunes.c", work), {"rille": [], "Jinja2": [], "C by hand": []}
    output(RILLE, "run", "bench/templates.lua", "write", work)
    with open(os.path.join(work, "fortunes.html"), encoding="utf-8") as page:
        if output(by_hand, f"{work}/fortunes.txt") != page.read():
            raise ValueError("fortunes.c renders another page")
    times = ("20", "4", "40") if bench.quick else ("200", "40", "400")
    for _ in range(bench.rounds):
        runs["rille"].append(json.loads(output(RILLE, "run", "bench/templates.lua", times[0])))
        runs["Jinja2"].append(json.loads(output(PYTHON, "-c", JINJA, "bench/templates", work, times[1])))
        runs["C by hand"].append({"fortunes": float(output(by_hand, f"{work}/fortunes.txt", times[2]))})
    return [{"peer": name, **{key: min(v[key] for v in values) for key in values[0] if " " not in key}}
            for name, values in runs.items()]


@bench
def templates(bench):
    """Pages from templates inside of the process: 12 fortunes, a catalogue, a form."""
    with tempfile.TemporaryDirectory() as work:
        rows = rendered(bench, work)
    return result("templates", templates, [[name, name, "us"] for name in ("fortunes", "catalogue", "form")], rows)


# One curl with a list of URLs, which keeps its connection: the processor's time of it for each.
CURL = """
import resource, subprocess, sys
url, count = sys.argv[1], int(sys.argv[2])
subprocess.run(["curl", "-sS", "--config", "-"], input=f'url = "{url}"\\noutput = "/dev/null"\\n' * count, text=True, check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print((used.ru_utime + used.ru_stime) / count * 1e6)
"""


def clients_of():
    """Name -> how it is called, how many requests, which way; and who is missing."""
    # How undici is called matters, so all its ways are measured: request is the common one for speed, fetch what most programs
    # call, a Pool's own request the least that there is.
    undici = ["node", os.path.join(ROOT, "bench/client.mjs")]
    clients = {
        "rille": ([RILLE, "run", os.path.join(ROOT, "bench/client.lua")], 40000, []),
        "undici request": (undici, 40000, ["request"]),
        "undici fetch": (undici, 10000, ["fetch"]),
        "undici Pool": (undici, 40000, ["pool"]),
        "aiohttp": ([PYTHON, os.path.join(ROOT, "bench/client.py")], 8000, []),
    }
    needed = {"undici": PEERS["Fastify"], "aiohttp": PEERS["aiohttp"]}
    skipped = {name: peer.missing() for name, peer in needed.items() if peer.missing()}
    return {name: how for name, how in clients.items() if name.split()[0] not in skipped}, skipped


def ask_by(bench, clients, urls, authority=None):
    """CPU of each client for a request, in microseconds. urls: by the name of a client, or of None."""
    trusting = dict.fromkeys(("SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "CURL_CA_BUNDLE"), authority) if authority else {}
    found, share = {name: [] for name in clients}, 20 if bench.quick else 1
    for _ in range(bench.rounds):
        for name, (command, count, way) in clients.items():
            done = subprocess.run([*command, urls.get(name, urls[None]), str(count // share), *way], cwd=HERE, capture_output=True,
                                  text=True, preexec_fn=pinned(LOAD_CORES), check=True, env={**os.environ, **trusting})
            found[name].append(float(done.stdout))
    return [{"peer": name, "cpu_us": statistics.median(values)} for name, values in found.items()]


@bench
def client(bench):
    """64 GETs at once over kept connections: CPU of the client for each."""
    clients, skipped = clients_of()
    server = PEERS["rille"].start(Place(bench.work, bench.data.original))
    try:
        bench.load.run(server.port, bench.load.requests("hello", [request("GET", "/")]), 0.3)
        rows = ask_by(bench, clients, {None: f"http://127.0.0.1:{server.port}/"})
    finally:
        server.stop()
    return result("client", client, [["cpu_us", "CPU per request", "us"]], rows, skipped)


def client_tls(bench):
    """64 GETs at once over kept connections with TLS 1.3, checked: CPU of the client for each; curl asks one after the other."""
    clients, skipped = clients_of()
    clients["rille without TLS"] = clients["rille"]
    if shutil.which("curl"):
        clients["curl"] = ([PYTHON, "-c", CURL], 4000, [])
    else:
        skipped["curl"] = "apt-get install curl"
    server = secure.start(bench, "rille")
    try:
        urls = {None: f"https://localhost:{server.tls}/", "rille without TLS": f"http://127.0.0.1:{server.port}/"}
        rows = ask_by(bench, clients, urls, certificate(bench.work)[0])
    finally:
        server.stop()
    return result("client-tls", client_tls, [["cpu_us", "CPU per request", "us"]], rows, skipped)


BENCHES["client-tls"] = client_tls
