"""What the soaks share: the server that they talk to, a client that behaves well, and what is checked."""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
RILLE = os.environ.get("SOAK_RILLE", os.path.join(ROOT, "build", "rille"))
MIB = 1 << 20
SOAKS = {}
FAILURES = []


def soak(function):
    SOAKS[function.__name__] = function
    return function


def check(holds, text):
    print(("ok    " if holds else "FAIL  ") + text, flush=True)
    if not holds:
        FAILURES.append(text)


class Server:
    """The release binary with ctests/soak/app.lua on a free port."""

    def __init__(self, options=(), rille=RILLE, app="app.lua", environment=None):
        self.folder = tempfile.TemporaryDirectory(prefix="rille-soak-")
        if rille is None:  # a copy of its own, to be replaced
            rille = shutil.copy(RILLE, os.path.join(self.folder.name, "rille"))
        self.rille = rille
        self.file = os.path.join(self.folder.name, "large")
        with open(self.file, "wb") as out:
            out.truncate(20 * MIB)
        self.log = open(os.path.join(self.folder.name, "log"), "w+", encoding="utf-8")
        command = [rille, "serve", os.path.join(ROOT, "ctests", "soak", app), "--port", "0", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=self.log,
                                        env={**os.environ, "SOAK_FILE": self.file, **(environment or {})})
        for _ in range(200):
            found = re.search(r"listening .*\bhttp://([^:]+):(\d+)", self.text())
            if found:
                self.address = (found.group(1), int(found.group(2)))
                return
            time.sleep(0.02)
        sys.exit("soak: the server did not start: " + self.text())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        self.log.close()
        self.folder.cleanup()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        check(self.process.wait(60) == 0, "the server stops when it is told to")

    def kill(self):
        self.process.kill()
        self.process.wait(60)
        self.log.close()
        self.folder.cleanup()

    def wait_for(self, pattern, count, seconds=30):
        """The matches in the log, once there are so many."""
        for _ in range(seconds * 200):
            found = re.findall(pattern, self.text())
            if len(found) >= count:
                return found
            time.sleep(0.005)
        sys.exit(f"soak: not {count} times in the log: {pattern}\n{self.text()[-4000:]}")

    def pid_of_worker(self):
        return int(re.findall(r"listening .* pid=(\d+)", self.text())[-1])

    def text(self):
        with open(self.log.name, encoding="utf-8") as log:
            return log.read()

    def resident(self, what="VmRSS"):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(re.search(what + r":\s+(\d+)", status.read()).group(1)) * 1024

    def forget_peak(self):
        with open(f"/proc/{self.process.pid}/clear_refs", "w", encoding="ascii") as refs:
            refs.write("5")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def connect(self):
        return socket.create_connection(self.address, timeout=60)


def read_answers(connection, count, rest=b""):
    """Reads `count` answers that have a length; returns what follows them and the last status."""
    status = 0
    for _ in range(count):
        while b"\r\n\r\n" not in rest:
            rest += receive(connection)
        head, rest = rest.split(b"\r\n\r\n", 1)
        status = int(head[9:12])
        length = int(re.search(rb"(?i)content-length: (\d+)", head).group(1))
        while len(rest) < length:
            rest += receive(connection)
        rest = rest[length:]
    return rest, status


def receive(connection):
    data = connection.recv(65536)
    if not data:
        raise ConnectionError("the server has closed")
    return data


def settle(read, wanted, seconds=10):
    """Waits until read() is at most `wanted`; returns it."""
    for _ in range(seconds * 10):
        if read() <= wanted:
            break
        time.sleep(0.1)
    return read()


class GoodClient(threading.Thread):
    """Asks for / again and again, each time on a connection of its own and on one that is kept."""

    def __init__(self, server):
        super().__init__()
        self.server, self.times, self.errors, self.ended = server, [], [], threading.Event()

    def ask(self, connection):
        start = time.monotonic()
        connection = connection or self.server.connect()
        connection.sendall(b"GET / HTTP/1.1\r\nHost: soak\r\n\r\n")
        _, status = read_answers(connection, 1)
        self.times.append(time.monotonic() - start)
        if status != 200:
            self.errors.append(status)
        return connection

    def run(self):
        kept = None
        while not self.ended.wait(0.005):
            try:
                kept = self.ask(kept)
                self.ask(None).close()
            except OSError as error:
                self.errors.append(error)
                kept = None
        if kept:
            kept.close()

    def finish(self):
        self.ended.set()
        self.join()
        self.times.sort()

    def percentile(self, share):
        return self.times[min(len(self.times) - 1, int(len(self.times) * share))] * 1000


def calm(server, seconds=5):
    client = GoodClient(server)
    client.start()
    time.sleep(seconds)
    client.finish()
    return client
