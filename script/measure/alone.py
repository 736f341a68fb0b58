"""What is measured of rille alone, against a target: tasks, specs, the dev server, reloads. Prints, and keeps nothing."""
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from .process import RILLE, ROOT, need, output

BENCHES = {}


def bench(function):
    BENCHES[function.__name__] = function
    return function


def figures(*command):
    return {name: float(value) for name, value, _ in (line.split("\t") for line in output(*command).splitlines())}


@bench
def tasks(rounds):
    """Tasks beside plain coroutines (targets: spawn+wait 2.5 times a coroutine, sleep(0) 3.75 times, 150 MB for 100,000)."""
    need("lua5.4")
    ours, plain = [], []
    for _ in range(rounds):
        ours.append(figures(RILLE, "run", "bench/tasks.lua"))
        plain.append(figures("lua5.4", "bench/tasks.lua"))
    least = {name: min(result[name] for result in ours) for name in ours[0]}
    base = {name: min(result[name] for result in plain) for name in plain[0]}
    wrap = base["coroutine.wrap(f)()"]
    print(f"  {'coroutine.wrap(f)() in Lua':<28} {wrap:7.3f} us   inside rille {least['coroutine.wrap(f)()']:.3f}")
    print(f"  {'yield and resume in Lua':<28} {base['coroutine.yield and resume']:7.3f} us   "
          f"inside rille {least['coroutine.yield and resume']:.3f}")
    for name, target in ("spawn and wait", 1.0 / 0.4), ("sleep(0)", 1.5 / 0.4):
        print(f"  {name:<28} {least[name]:7.3f} us   {least[name] / wrap:.2f} coroutines of plain Lua (target: {target})")
    print(f"  {'100,000 sleeping tasks':<28} {least['100,000 sleeping tasks']:7.1f} MiB  (target: 143)")


@bench
def specs(rounds):
    """A busted suite of 200 small specs with in-process clients (target: under a second)."""
    spec = """
local rille, testing = require "rille", require "rille.testing"
describe("a small app", function()
  for i = 1, 200 do
    it("answers " .. i, function()
      local app = rille.app()
      app:get("/{n:int}", function(req) return rille.json { n = req.params.n } end)
      assert.same({ n = i }, testing.client(app):get("/" .. i):json())
    end)
  end
end)
"""
    with tempfile.TemporaryDirectory() as work:
        with open(os.path.join(work, "two_hundred_spec.lua"), "w", encoding="utf-8") as file:
            file.write(spec)
        times = []
        for _ in range(rounds):
            start = time.monotonic()
            output(RILLE, "test", file.name)
            times.append(time.monotonic() - start)
    print(f"  200 specs: {min(times):.3f} s, start of the process included ({max(times):.3f} at most in {rounds} rounds)")


def copy_of_blog(work):
    """The blog, where its files may be changed."""
    for folder in "app", "templates":
        if os.path.isdir(os.path.join(ROOT, folder)):
            shutil.copytree(os.path.join(ROOT, folder), os.path.join(work, folder))
    with open(os.path.join(work, "app", "bench.lua"), "w", encoding="utf-8") as file:
        file.write('return function(app) app:get("/bench", function() return "0" end) end\n')
    init = os.path.join(work, "app", "init.lua")
    with open(init, encoding="utf-8") as file:
        source = file.read()
    at = source.rindex("  return app")
    with open(init, "w", encoding="utf-8") as file:
        file.write(source[:at] + '  require "app.bench"(app)\n' + source[at:])


def start_in(work, command, *options):
    """rille in the folder, its log in work/log; returns the process and the url."""
    log = open(os.path.join(work, "log"), "w+", encoding="utf-8")
    arguments = [RILLE, command, os.path.join(work, "app"), "--port", "0", *options]
    process = subprocess.Popen(arguments, cwd=work, stdout=log, stderr=log,
                               env={**os.environ, "DATABASE": os.path.join(work, "blog.db"), "SECRET": "x" * 48})
    for _ in range(500):
        log.seek(0)
        found = re.search(r"http://127\.0\.0\.1:\d+", log.read())
        if found:
            return process, found.group(0)
        time.sleep(0.01)
    log.seek(0)
    sys.exit(f"bench: rille {command} does not start:\n{log.read()}")


def get(connection, path):
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def connect(url):
    import http.client
    return http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)


def save(work, text):
    path = os.path.join(work, "app", "bench.lua")
    with open(path + "~", "w", encoding="utf-8") as file:
        file.write(f'return function(app) app:get("/bench", function() return "{text}" end) end\n')
    os.rename(path + "~", path)


@bench
def dev(rounds):
    """From the save of a handler of the blog to the first answer of the new code (target: median under 30 ms)."""
    with tempfile.TemporaryDirectory() as work:
        copy_of_blog(work)
        process, url = start_in(work, "dev")
        try:
            connection, times = connect(url), []
            for i in range(1, rounds * 20 + 1):
                save(work, i)
                start = time.perf_counter()
                while get(connection, "/bench") != (200, str(i)):
                    if time.perf_counter() - start > 5:
                        sys.exit("bench: the new code never answers")
                    time.sleep(0.0005)
                times.append((time.perf_counter() - start) * 1000)
                time.sleep(0.03)
            times.sort()
            print(f"  save to served: median {statistics.median(times):.1f} ms, 95% {times[len(times) * 95 // 100]:.1f} ms, "
                  f"worst {times[-1]:.1f} ms of {len(times)} (target: a median under 30)")
        finally:
            process.terminate()
            process.wait(20)


def resources(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1)), len(os.listdir(f"/proc/{pid}/fd"))


def reload_once(process, log, number):
    """Asks for a reload and waits until the log has said so."""
    process.send_signal(signal.SIGHUP)
    for _ in range(5000):
        log.seek(0)
        if log.read().count("info  reloaded") >= number:
            return
        time.sleep(0.002)
    sys.exit("bench: a reload was never told of")


@bench
def reload(rounds):
    """200 reloads a round (5: a thousand) by SIGHUP under load: no request may fail, memory and descriptors stay."""
    import threading
    with tempfile.TemporaryDirectory() as work:
        copy_of_blog(work)
        process, url = start_in(work, "serve")
        answers, failures, stopping = [0], [], threading.Event()

        def client(path):
            connection = connect(url)
            while not stopping.is_set():
                try:
                    status, _ = get(connection, path)
                    answers[0] += 1
                    if status != 200:
                        failures.append(status)
                except OSError as error:
                    failures.append(error)
                    connection = connect(url)

        threads = [threading.Thread(target=client, args=(path,)) for path in ("/", "/bench", "/api", "/bench")]
        try:
            with open(os.path.join(work, "log"), encoding="utf-8") as log:
                for thread in threads:
                    thread.start()
                marks = []
                for i in range(1, rounds * 200 + 1):
                    reload_once(process, log, i)
                    if i % 200 == 0:
                        time.sleep(1)
                        marks.append(resources(process.pid))
                        print(f"  after {i:5d} reloads: {marks[-1][0]} KiB, {marks[-1][1]} descriptors, {answers[0]} answers")
        finally:
            stopping.set()
            for thread in threads:
                thread.join()
            process.terminate()
            process.wait(20)
        growth = (marks[-1][0] - marks[0][0]) / marks[0][0] * 100
        print(f"  {answers[0]} answers, {len(failures)} failed; memory {growth:+.1f} % and descriptors "
              f"{marks[-1][1] - marks[0][1]:+d} from reload 200 to {rounds * 200} (targets: 0, within 5 %, 0)")
        if failures:
            sys.exit(f"bench: failed requests: {failures[:5]}")
