"""Servers as processes: started on a free port and on one core, measured, ended by their pid."""
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
RILLE = os.environ.get("RILLE", os.path.join(ROOT, "build", "rille"))
SERVER_CORES, LOAD_CORES = {0}, {1 % os.cpu_count()}


def all_cores():
    return set(range(os.cpu_count()))


def pinned(cores):
    return lambda: os.sched_setaffinity(0, cores)


def need(*programs):
    missing = [program for program in programs if not shutil.which(program)]
    if missing:
        sys.exit(f"bench: not installed: {', '.join(missing)}")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def certificate(work):
    """A key on P-256 and a certificate of its own for localhost, made once."""
    cert, key = (os.path.join(work, name) for name in ("tls-cert.pem", "tls-key.pem"))
    if not os.path.exists(cert):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert],
                       check=True, capture_output=True)
    return cert, key


def output(*command, cores=None, env=None):
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, preexec_fn=pinned(cores or SERVER_CORES),
                          env={**os.environ, **(env or {})}, check=True).stdout


def compiled(source, work, *libraries):
    binary = os.path.join(work, os.path.basename(source)[:-2])
    if not os.path.exists(binary):
        subprocess.run(["cc", "-O2", "-o", binary, os.path.join(ROOT, source), *libraries], check=True)
    return binary


def seconds_of_cpu(pid):
    """User and system time of all threads of a process, those that have ended too, in nanoseconds' resolution (the clock of
    clock_getcpuclockid(3)); /proc/PID/stat counts ticks of 10 ms."""
    return time.clock_gettime((~pid << 3) | 2)


def memory_of(pid, field="VmRSS"):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:
        for line in status:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    return 0


class Server:
    """A server process and its children."""

    def __init__(self, name, command, port, cores=None, env=None, work=None):
        self.name, self.port = name, port
        self.log_path = os.path.join(work or "/tmp", f"log-{port}")
        self.started = time.perf_counter()
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, preexec_fn=pinned(cores or SERVER_CORES), stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log, env={**os.environ, **(env or {})})
        try:
            self.ms_to_first_answer = self.wait_for_answer()
        except BaseException:
            self.stop()
            raise

    def wait_for_answer(self):
        while time.perf_counter() - self.started < 20:
            if self.process.poll() is not None:
                break
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=5) as s:
                    s.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                    if s.recv(4096):
                        return (time.perf_counter() - self.started) * 1000
            except OSError:
                pass
            time.sleep(0.0005)
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            raise ValueError(f"{self.name} does not start:\n{log.read()[-2000:]}")

    def pids(self):
        pids = [self.process.pid]
        for pid in pids:  # it grows meanwhile
            try:
                with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
                    pids += [int(child) for child in children.read().split()]
            except OSError:
                pass
        return pids

    def cpu(self):
        return sum(seconds_of_cpu(pid) for pid in self.pids())

    def resident(self):
        return sum(memory_of(pid) for pid in self.pids())

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
