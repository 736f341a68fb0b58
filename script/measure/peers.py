"""The servers that are compared: how each is started, what it needs, what it can be asked.

A peer that is not installed is skipped by name. A peer's program is written as its own users would write it: bench/peers/.
"""
import os
import platform
import pwd
import re
import shutil
import subprocess

from .process import RILLE, ROOT, Server, compiled, free_port

HERE = os.path.join(ROOT, "bench", "peers")
PYTHON = os.environ.get("PYTHON", "/usr/bin/python3")
SMALL = {"hello", "pipelined", "short", "idle", "start"}
STATIC = {"static-small", "static-large"}
EVERYTHING = SMALL | STATIC | {"json", "orders", "routes", "page", "point-read", "rows", "insert", "transaction", "upload",
                               "fanout", "session", "scan"}
PEERS = {}


class Peer:
    """name: as in tables; answers: the cases it has a program for; missing(): what to install, or None."""

    def __init__(self, name, answers, command, missing, version):
        self.name, self.answers, self.command, self.missing, self.version = name, answers, command, missing, version
        PEERS[name] = self

    def start(self, place, cores=None, threads=1):
        place.port, place.threads = free_port(), threads
        command, env = self.command(place)
        env = {"PORT": str(place.port), "BENCH_DATA": place.data, "BENCH_BACKEND": str(place.backend), **env}
        return Server(self.name, command, place.port, cores=cores, env=env, work=place.work)


class Place:
    """Where one server runs: its copy of the data, the port of the backend, a folder for what it writes. Port 9 answers
    nobody."""

    def __init__(self, work, data, backend=9):
        self.work, self.data, self.backend, self.port, self.threads = work, data, backend, 0, 1


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return re.search(r"\d+(\.\d+)+\S*", done.stdout + done.stderr).group(0)
    except (OSError, AttributeError):
        return ""


def programs(hint, *names):
    return lambda: None if all(shutil.which(name) for name in names) else hint


def filled(name, place):
    """A configuration of bench/peers with what stands between @s filled in."""
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        text = file.read()
    user = f"user {pwd.getpwuid(0).pw_name};" if os.geteuid() == 0 else ""
    folder = os.path.join(place.work, f"{name}-{place.port}")
    os.makedirs(folder, exist_ok=True)
    values = {"user": user, "work": folder, "port": place.port, "data": place.data, "backend": place.backend, "here": HERE,
              "threads": place.threads, "machine": platform.machine()}
    path = os.path.join(folder, "conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(re.sub(r"@(\w+)@", lambda found: str(values[found.group(1)]), text))
    return folder, path


def nginx(conf):
    def command(place):
        folder, path = filled(conf, place)
        return ["nginx", "-p", folder, "-c", path, "-e", os.path.join(folder, "error.log")], {}
    return command


def in_node(script):
    return lambda place: (["node", os.path.join(HERE, script)], {"NODE_ENV": "production"})


def node_modules():
    if not shutil.which("node"):
        return "apt-get install nodejs npm"
    return None if os.path.isdir(os.path.join(HERE, "node_modules", "fastify")) else "cd bench/peers && npm ci"


def python_modules():
    code = "import aiohttp, aiohttp_jinja2, aiohttp_session, aiosqlite, cryptography"
    done = subprocess.run([PYTHON, "-c", code], stderr=subprocess.DEVNULL, check=False)
    return None if done.returncode == 0 else \
        "apt-get install python3-aiohttp python3-aiosqlite python3-aiohttp-jinja2 python3-aiohttp-session python3-cryptography"


GO_PACKAGES = "go-chi/chi", "mattn/go-sqlite3", "gorilla/sessions"


def go_packages():
    there = all(os.path.isdir("/usr/share/gocode/src/github.com/" + package) for package in GO_PACKAGES)
    return None if shutil.which("go") and there else \
        "apt-get install golang-go golang-github-go-chi-chi-dev golang-github-mattn-go-sqlite3-dev " \
        "golang-github-gorilla-sessions-dev"


def go(place):
    binary = os.path.join(place.work, "go-peer")
    if not os.path.exists(binary):
        env = {**os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": os.path.join(place.work, "go-cache"),
               "GOFLAGS": ""}
        subprocess.run(["go", "build", "-tags", "libsqlite3", "-o", binary, "."], cwd=os.path.join(HERE, "go"), env=env,
                       check=True)
    return [binary], {"BENCH_PAGE": os.path.join(HERE, "go", "page.html"), "GOMAXPROCS": str(place.threads)}


def serve(app, place):
    return [RILLE, "serve", os.path.join(ROOT, app), "--port", str(place.port), "--log", "off", "--threads", str(place.threads)]


def rille(place):
    return serve("bench/peers/rille.lua", place), {}


def module_version(name):
    return first_line(PYTHON, "-c", f"import {name}; print({name}.__version__)")


def package_version(name):
    path = os.path.join(HERE, "node_modules", name, "package.json")
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as file:
        return re.search(r'"version": "([^"]+)"', file.read()).group(1)


Peer("rille", EVERYTHING | {"threads"}, rille, lambda: None if os.path.exists(RILLE) else "script/build",
     lambda: first_line(RILLE, "version"))
Peer("rille hello", {"start"}, lambda place: (serve("bench/apps/hello.lua", place), {}), PEERS["rille"].missing,
     PEERS["rille"].version)
Peer("rille, tables", {"point-read", "rows"}, lambda place: (serve("bench/peers/rille.lua", place), {"BENCH_TABLES": "1"}),
     PEERS["rille"].missing, PEERS["rille"].version)
Peer("epoll floor", SMALL - {"idle", "short"}, lambda place: ([compiled("bench/floor.c", place.work), str(place.port)], {}),
     programs("apt-get install build-essential", "cc"), lambda: "bench/floor.c")
Peer("nginx", SMALL | STATIC, nginx("nginx.conf"), programs("apt-get install nginx", "nginx"), lambda: first_line("nginx", "-v"))
Peer("nginx + Lua", SMALL | {"json", "orders", "fanout", "threads"}, nginx("nginx-lua.conf"),
     lambda: None if shutil.which("nginx") and os.path.exists("/usr/lib/nginx/modules/ngx_http_lua_module.so") else
     "apt-get install nginx libnginx-mod-http-lua lua-cjson", lambda: first_line("nginx", "-v"))
Peer("h2o", SMALL | STATIC, lambda place: (["h2o", "-c", filled("h2o.conf", place)[1]], {}),
     programs("apt-get install h2o", "h2o"), lambda: first_line("h2o", "--version"))
Peer("Go", EVERYTHING | {"threads"}, go, go_packages, lambda: first_line("go", "version"))
Peer("node:http", SMALL | {"json", "orders", "upload"}, in_node("node.js"), programs("apt-get install nodejs", "node"),
     lambda: first_line("node", "--version"))
Peer("Fastify", EVERYTHING, in_node("fastify.js"), node_modules, lambda: package_version("fastify"))
Peer("aiohttp", EVERYTHING, lambda place: ([PYTHON, "-O", os.path.join(HERE, "aiohttp_app.py")], {}), python_modules,
     lambda: module_version("aiohttp"))
