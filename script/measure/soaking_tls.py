"""The soaks of TLS: half-open handshakes, certificates that change under load, large uploads."""
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

from measure.process import certificate, free_port
from measure.soaking import MIB, Server, check, read_answers, soak


class SecureServer(Server):
    """The server with TLS on a port of its own."""

    def __init__(self, folder, *options):
        self.pair, self.tls = certificate(folder), ("127.0.0.1", free_port())
        super().__init__(["--h2c", "--tls", ",".join(self.pair), "--tls-port", str(self.tls[1]), *options])

    def secure(self, alpn=("http/1.1",)):
        return client_context(alpn).wrap_socket(socket.create_connection(self.tls, timeout=60), server_hostname="localhost")


def client_context(alpn=("http/1.1",)):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(list(alpn))
    return context


def client_hello():
    """The first flight of a client."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


class KeptClient(threading.Thread):
    """Asks again and again on one connection with TLS that is kept."""

    def __init__(self, server):
        super().__init__()
        self.connection, self.times, self.errors, self.ended = server.secure(), [], [], threading.Event()

    def run(self):
        while not self.ended.wait(0.002):
            start = time.monotonic()
            try:
                self.connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                _, status = read_answers(self.connection, 1)
            except OSError as error:
                self.errors.append(error)
                return
            self.times.append(time.monotonic() - start)
            if status != 200:
                self.errors.append(status)

    def finish(self):
        self.ended.set()
        self.join()
        self.connection.close()
        self.times.sort()

    def percentile(self, share):
        return self.times[min(len(self.times) - 1, int(len(self.times) * share))] * 1000


def half_open(server, first, seconds, count=2000):
    """Keeps so many connections in the middle of a handshake, new ones for those that are closed. Returns how many it took."""
    held, made, until = [], 0, time.monotonic() + seconds
    while time.monotonic() < until:
        alive = []
        for s in held:
            try:
                if s.recv(65536):
                    alive.append(s)
                else:
                    s.close()
            except BlockingIOError:
                alive.append(s)
            except OSError:
                s.close()
        held = alive
        while len(held) < count and time.monotonic() < until:
            s = socket.create_connection(server.tls, timeout=10)
            s.sendall(first)
            s.setblocking(False)
            held.append(s)
            made += 1
        time.sleep(0.05)
    for s in held:
        s.close()
    return made


@soak
def handshakes(_):
    """2,000 half-open handshakes for 15 s, of three kinds: GET over a kept connection with TLS stays below 20 ms (p99)."""
    hello = client_hello()
    with tempfile.TemporaryDirectory(prefix="rille-soak-") as folder:
        for name, first in ("whole hello", hello), ("half a hello", hello[:100]), ("nothing but a record's head", hello[:5]):
            with SecureServer(folder) as server:
                client = KeptClient(server)
                client.start()
                time.sleep(1)
                calm, before = len(client.times), server.resident()
                made = half_open(server, first, 15)
                client.finish()
                grown = server.resident("VmHWM") - before
                print(f"      {name}: {made} connections; {len(client.times) - calm} answers beside, median {client.percentile(0.5):.1f} ms, "
                      f"p99 {client.percentile(0.99):.1f} ms; grown by {grown / MIB:.1f} MiB ({grown / 2000 / 1024:.1f} KiB for each of 2,000)", flush=True)
                check(not client.errors, f"{name}: the kept connection is always answered {client.errors[:2] or ''}")
                check(client.percentile(0.99) < 20, f"{name}: its p99 is below 20 ms")


class Asker(threading.Thread):
    """Makes connections with TLS, asks twice on each."""

    def __init__(self, server):
        super().__init__()
        self.server, self.answers, self.serials, self.errors, self.ended = server, 0, set(), [], threading.Event()

    def run(self):
        while not self.ended.is_set():
            try:
                with self.server.secure() as connection:
                    self.serials.add(hash(connection.getpeercert(True)))
                    for _ in range(2):
                        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
                        if read_answers(connection, 1)[1] != 200:
                            raise OSError("not 200")
                        self.answers += 1
            except OSError as error:
                self.errors.append(error)


def replace_pair(pair, other):
    for path, new in zip(pair, other):
        copy = path + ".new"
        shutil.copy(new, copy)
        os.replace(copy, path)


@soak
def swaps(_):
    """1,000 certificates swapped by SIGHUP under load: no request fails, and every one of them was seen or could be."""
    with tempfile.TemporaryDirectory(prefix="rille-soak-") as folder:
        pairs = []
        for i in range(8):
            place = os.path.join(folder, str(i))
            os.mkdir(place)
            pairs.append(certificate(place))
        with SecureServer(folder, "--threads", "2") as server:
            askers, kept = [Asker(server) for _ in range(4)], KeptClient(server)
            for thread in (*askers, kept):
                thread.start()
            for i in range(1000):
                replace_pair(server.pair, pairs[i % 8])
                server.process.send_signal(signal.SIGHUP)
                time.sleep(0.02)
            for asker in askers:
                asker.ended.set()
            for asker in askers:
                asker.join()
            kept.finish()
            answers, serials = sum(a.answers for a in askers), set().union(*(a.serials for a in askers))
            errors = [e for a in askers for e in a.errors] + kept.errors
            print(f"      {answers} answers on new connections, {len(kept.times)} on one that was kept all the while, {len(serials)} certificates seen")
            check(not errors, f"1,000 swaps: no request fails {errors[:3] or ''}")
            check(len(serials) >= 8, "1,000 swaps: the new certificates are used")


UPLOADS = {  # of h2load
    "HTTP/1.1 over TLS, 64 connections": (["--h1", "-c64"], True),
    "HTTP/2 over TLS, 64 connections": (["-c64", "-m1"], True),
    "HTTP/2 over TLS, 1 connection, 64 streams": (["-c1", "-m64"], True),
    "HTTP/2, 1 connection, 64 streams": (["-c1", "-m64"], False),
    "HTTP/2, 64 connections": (["-c64", "-m1"], False),
}


@soak
def secure_uploads(_):
    """64 uploads of 20 MB at once over TLS and HTTP/2, by chunks and to a file: less than 1 MiB of memory for each."""
    if not shutil.which("h2load"):
        sys.exit("soak: not installed: h2load (apt-get install nghttp2-client)")
    with tempfile.TemporaryDirectory(prefix="rille-soak-") as folder:
        for way, (options, secure) in UPLOADS.items():
            with SecureServer(folder) as server:
                url = f"https://localhost:{server.tls[1]}/chunks" if secure else f"http://127.0.0.1:{server.address[1]}/chunks"
                subprocess.run(["h2load", "-n", "4", "-c1", "-d", server.file, *options[:1][:options[0] == "--h1"], url], check=True, capture_output=True)
                server.forget_peak()
                before, start = server.resident(), time.monotonic()
                done = subprocess.run(["h2load", "-n", "64", "-d", server.file, *options, url], capture_output=True, text=True, check=False)
                grown = server.resident("VmHWM") - before
                good = re.search(r"status codes: (\d+) 2xx", done.stdout)
                print(f"      {way}: {time.monotonic() - start:.1f} s, grown by {grown / MIB:.1f} MiB at most", flush=True)
                check(good and good.group(1) == "64", f"{way}: all 64 are answered {'' if good else done.stdout[-300:]}")
                check(grown < 64 * MIB, f"{way}: less than 1 MiB for each")
