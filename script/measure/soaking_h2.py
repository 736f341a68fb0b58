"""The soaks of HTTP/2: floods, and a hostile peer that sends what nobody has thought of."""
import multiprocessing
import os
import random
import re
import sys
import time

try:
    import h2.config
    import h2.connection
    import h2.exceptions
except ImportError:
    h2 = None

from measure import flooding
from measure.soaking import MIB, GoodClient, Server, check, soak

SECONDS = int(os.environ.get("SOAK_SECONDS", "30"))
ATTACKERS = 4


def run_flood(kind, address, until, results):
    results.put(flooding.flood(kind, address, False, until))


def one_flood(server, kind):
    """The flood from some processes, with a good client of HTTP/1.1 beside; what the server's memory grew by."""
    server.forget_peak()
    before, log, results = server.resident(), len(server.text()), multiprocessing.Queue()
    until = time.monotonic() + SECONDS
    attackers = [multiprocessing.Process(target=run_flood, args=(kind, server.address, until, results)) for _ in range(ATTACKERS)]
    client = GoodClient(server)
    client.start()
    for attacker in attackers:
        attacker.start()
    counts = [results.get() for _ in attackers]
    for attacker in attackers:
        attacker.join()
    client.finish()
    grown = server.resident("VmHWM") - before
    text = server.text()[log:]
    named = len(re.findall(r"(?i)flood|too many|calm", text))
    name = kind.__name__
    print(f"      {name}: {sum(c for c, _ in counts)} connections, at most {max(n for _, n in counts) / MIB:.1f} MiB on one; grown by "
          f"{grown / MIB:.1f} MiB; the good client: {len(client.times)} answers, median {client.percentile(0.5):.1f} ms, "
          f"p99 {client.percentile(0.99):.1f} ms; {named} lines in the log name it, of {text.count(chr(10))}", flush=True)
    check(not client.errors, f"{name}: the good client is always answered {client.errors[:3] or ''}")
    check(grown < 32 * MIB, f"{name}: grown by less than 32 MiB")
    check(client.percentile(0.99) < 50, f"{name}: the good client's p99 is below 50 ms")
    check(text.count("\n") < 100, f"{name}: the log is not flooded")


@soak
def floods(_):
    """Every flood of HTTP/2 for 30 s each: memory grows by less than 32 MiB, another client keeps its latency."""
    only = os.environ.get("SOAK_FLOODS", "").split()
    for kind in flooding.FLOODS:
        if not only or kind.__name__ in only:
            with Server(["--h2c"]) as server:
                one_flood(server, kind)


# ---- a hostile peer -----------------------------------------------------------------------------------------------------------

class Peer:
    """A client made of python3-h2, which keeps the state of a connection, and which also sends what that would refuse."""

    def __init__(self, seed, address):
        self.draw = random.Random(seed)
        self.wire = flooding.connect(address)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=True, validate_outbound_headers=False, normalize_outbound_headers=False))
        self.h2.initiate_connection()
        self.sent = 0

    def stream(self):
        return self.draw.choice([0, 1, 1, 2, 3, 5, self.h2.highest_outbound_stream_id or 1, self.draw.randrange(1 << 31)])

    def known(self):
        return self.draw.choice(list(self.h2.streams) or [1])

    def request(self):
        draw = self.draw
        path = draw.choice(["/", "/", "/stream", "/file", "/chunks", "/form", "/no"])
        fields = [(":method", draw.choice(["GET", "POST", "HEAD", "PUT"])), (":scheme", "http"), (":authority", "soak"), (":path", path)]
        fields += [(f"x{i}", "y" * draw.randrange(200)) for i in range(draw.randrange(4))]
        self.h2.send_headers(self.h2.get_next_available_stream_id(), fields, end_stream=draw.random() < 0.6)

    def body(self):
        self.h2.send_data(self.known(), b"d" * self.draw.randrange(3000), end_stream=self.draw.random() < 0.3)

    def reset(self):
        self.h2.reset_stream(self.known(), self.draw.choice([0, 1, 8, 11]))

    def window(self):
        self.h2.increment_flow_control_window(1 + self.draw.randrange(1 << 16), self.draw.choice([None, self.known()]))

    def settings(self):
        self.h2.update_settings({4: self.draw.choice([0, 1, 65535, 1 << 20]), 5: self.draw.choice([16384, 65536])})

    def any_frame(self):
        """A frame that python3-h2 does not know of: mostly of a kind that has a meaning, with a body that may fit."""
        draw, kind = self.draw, self.draw.randrange(18)
        bodies = [b"", draw.randbytes(draw.randrange(64)), draw.randrange(1 << 31).to_bytes(4, "big"), flooding.head(),
                  flooding.head() + draw.randbytes(draw.randrange(9)), flooding.field(b"x", b"y")]
        return flooding.frame(kind, draw.choice([0, 1, 4, 5, 8, 9, 32, draw.randrange(256)]), self.stream(), draw.choice(bodies))

    def step(self):
        """Bytes to send."""
        turn = self.draw.choices([self.request, self.body, self.reset, self.window, self.settings, self.any_frame],
                                 weights=[30, 20, 8, 8, 4, 15])[0]
        try:
            raw = turn()
        except (h2.exceptions.H2Error, ValueError, KeyError):
            raw = None
        return self.h2.data_to_send() + (raw or b"")

    def send(self, data):
        self.sent += len(data)
        while data:
            size = self.draw.choice([1, 7, 100, len(data), len(data)])
            self.wire.sendall(data[:size])
            data = data[size:]

    def receive(self):
        """Returns False once the server has ended the connection."""
        self.wire.setblocking(False)
        try:
            data = self.wire.recv(65536)
            self.h2.receive_data(data)
            return bool(data)
        except (BlockingIOError, h2.exceptions.H2Error):
            return True
        finally:
            self.wire.settimeout(10)

    def run(self):
        with self.wire:
            for _ in range(self.draw.randrange(1, 40)):
                self.send(self.step())
                if not self.receive():
                    return


@soak
def hostile(_):
    """10,000 random sequences by python3-h2, well formed and not, against SOAK_RILLE (the build with ASan): no crash, no hang."""
    if not h2:
        sys.exit("soak: not installed: python3-h2")
    ended, sent, count, start = 0, 0, int(os.environ.get("SOAK_SEQUENCES", "10000")), time.monotonic()
    with Server(["--h2c"]) as server:
        for seed in range(count):
            peer = Peer(seed, server.address)
            try:
                peer.run()
            except OSError:
                ended += 1
            sent += peer.sent
            if server.process.poll() is not None:
                sys.exit(f"soak: the server died at sequence {seed}:\n{server.text()[-6000:]}")
        print(f"      {count} sequences, {sent / MIB:.1f} MiB in {time.monotonic() - start:.0f} s, {ended} ended by the server in the middle of a write")
        client = GoodClient(server)
        client.start()
        time.sleep(1)
        client.finish()
        check(client.times and not client.errors, "the next client is answered")
