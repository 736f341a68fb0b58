"""Runs bench/load.c, and reads what it says."""
import json
import os
import subprocess

from .process import LOAD_CORES, compiled, pinned


class Load:
    def __init__(self, work):
        self.work, self.binary = work, compiled("bench/load.c", work)

    def requests(self, name, requests):
        """Writes requests (bytes) to a file as the load reads them; returns its path."""
        path = os.path.join(self.work, name)
        with open(path, "wb") as file:
            for request in requests:
                file.write(b"%d\n%b" % (len(request), request))
        return path

    def start(self, port, path, seconds, cores=None, **how):
        command = [self.binary, str(port), path, "--seconds", str(seconds)]
        for option, value in how.items():
            if value is True:
                command.append("--" + option)
            elif value:
                command += ["--" + option, str(value)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=pinned(cores or LOAD_CORES))

    def run(self, port, path, seconds, **how):
        """The figures of a run. One too short for a single answer is repeated with more time."""
        while True:
            seen = read(*finish(self.start(port, path, seconds, **how)))
            if seen["requests"]:
                return seen
            if seconds > 10:
                raise ValueError("nothing was answered")
            seconds *= 2


def finish(process):
    out, _ = process.communicate()
    return process.returncode, out


def read(status, out):
    """The figures of one run. A request that failed or was refused is an error: it would count as a fast answer."""
    if status:
        raise ValueError("the load ended with an error")
    seen = json.loads(out)
    if seen["refused"]:
        raise ValueError(f"{seen['refused']} answers were not 2xx")
    if seen["failed"]:
        raise ValueError(f"{seen['failed']} requests were cut off")
    return seen


def request(method, path, body=None, headers=(), close=False):
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers)]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    if close:
        lines.append("Connection: close")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b"")
