#!/usr/bin/env python3
"""A scripted server for the client's specs: it answers with exactly the bytes it was told to, and remembers what it got.

    fake_server.py DIRECTORY     listens, writes DIRECTORY/ports.json, serves until its standard input ends

Ports: http, other (the same, another origin), https, mutual (asks for a client certificate), proxy (CONNECT and absolute
targets), socks (SOCKS5), and a socket at DIRECTORY/unix. Certificates stand in DIRECTORY: ca.pem, client.pem (with its key).

Control, on any of the http ports:
    POST /_script     JSON: a list of answers, each a list of steps -> {"path": "/s1"}; the n-th request below that path gets
                      the n-th answer, the last one again and again
    GET  /_log/s1     what came below that path: [{method, target, headers, body, size, connection, sent}], sent: bytes that
                      went back
    GET  /_open       how many connections are open, this one not counted
    any  /echo…       the request itself as JSON

Steps: {"send": text, "times": n} {"base64": bytes, "times": n} {"sleep": s} {"close": true} {"reset": true}
{"stop_reading": true} (first: the request's body is left where it is) {"read": true} (it is read now).
"""
import asyncio
import base64
import hashlib
import json
import logging
import os
import socket
import ssl
import struct
import subprocess
import sys

scripts, logs, open_connections = {}, {}, set()
counter = 0
BODY_KEPT = 1 << 20


class Gone(Exception):
    pass


async def read_head(reader):
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        raise Gone
    lines = head.decode("latin1").split("\r\n")
    method, target, _ = lines[0].split(" ", 2)
    headers = [line.split(":", 1) for line in lines[1:] if line]
    return method, target, [(name.lower(), value.strip()) for name, value in headers]


def header(headers, name):
    return ", ".join(value for key, value in headers if key == name) or None


class Body:
    """Counts and hashes; keeps the beginning."""

    def __init__(self):
        self.size, self.hash, self.start = 0, hashlib.sha256(), b""

    def add(self, data):
        self.size += len(data)
        self.hash.update(data)
        self.start += data[:max(0, BODY_KEPT - len(self.start))]


async def read_body(reader, headers):
    body = Body()
    try:
        if header(headers, "transfer-encoding"):
            while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
                body.add(await reader.readexactly(size))
                await reader.readexactly(2)
            await reader.readuntil(b"\r\n")
        left = int(header(headers, "content-length") or 0)
        while left:
            data = await reader.read(min(left, 1 << 18))
            if not data:
                raise Gone
            left -= len(data)
            body.add(data)
    except (asyncio.IncompleteReadError, ConnectionError):
        raise Gone
    return body


def describe(method, target, headers, body, number):
    return {"method": method, "target": target, "headers": {k: header(headers, k) for k, _ in headers},
            "body": body.start[:4096].decode("latin1"), "size": body.size, "sha256": body.hash.hexdigest(), "connection": number,
            "sent": 0}


def answer(value, status="200 OK"):
    data = json.dumps(value).encode()
    return b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (status.encode(), len(data), data)


def reset(writer):
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    raise Gone


async def run(step, writer, entry):
    if "send" in step or "base64" in step:
        data = step["send"].encode("latin1") if "send" in step else base64.b64decode(step["base64"])
        for _ in range(step.get("times", 1)):
            if writer.is_closing():
                raise Gone
            writer.write(data)
            await writer.drain()
            entry["sent"] += len(data)
    if "sleep" in step:
        await asyncio.sleep(step["sleep"])
    if step.get("reset"):
        reset(writer)
    if step.get("close"):
        raise Gone


def next_answer(name):
    answers = scripts[name]
    return answers.pop(0) if len(answers) > 1 else answers[0]


async def scripted(name, request, reader, writer, number):
    method, target, headers = request
    steps = next_answer(name)
    body = Body()
    if not steps[0].get("stop_reading"):
        body = await read_body(reader, headers)
    logs[name].append(describe(method, target, headers, body, number))
    entry = logs[name][-1]
    for step in steps:
        if step.get("read"):
            entry.update(describe(method, target, headers, await read_body(reader, headers), number))
        await run(step, writer, entry)


async def control(path, request, reader, writer, number):
    method, target, headers = request
    body = await read_body(reader, headers)
    if path == "/_script":
        name = "s%d" % (len(scripts) + 1)
        scripts[name], logs[name] = json.loads(body.start), []
        writer.write(answer({"path": "/" + name}))
    elif path.startswith("/_log/"):
        writer.write(answer(logs[path[6:]]))
    elif path == "/_open":
        writer.write(answer(len(open_connections) - 1))
    else:
        writer.write(answer(describe(method, target, headers, body, number)))
    await writer.drain()


async def serve_one(reader, writer, number):
    request = await read_head(reader)
    path = request[1].split("?")[0]
    if path.startswith("http://"):
        path = "/" + path.split("/", 3)[3]
    name = path.split("/")[1]
    if name in scripts:
        await scripted(name, request, reader, writer, number)
    elif path.startswith("/_") or path.startswith("/echo"):
        await control(path, request, reader, writer, number)
    else:
        await read_body(reader, request[2])
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")


async def connection(reader, writer):
    global counter
    counter += 1
    number = counter
    open_connections.add(number)
    try:
        while True:
            await serve_one(reader, writer, number)
    except (Gone, ConnectionError, ssl.SSLError):
        pass
    finally:
        open_connections.discard(number)
        writer.close()


async def pump(reader, writer):
    try:
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


async def tunnel(reader, writer, host, port, hello):
    try:
        upstream = await asyncio.open_connection(host, port)
    except OSError:
        return writer.close()
    writer.write(hello)
    await asyncio.gather(pump(reader, upstream[1]), pump(upstream[0], writer))


async def proxy(reader, writer):
    try:
        method, target, headers = await read_head(reader)
    except Gone:
        return writer.close()
    logs.setdefault("proxy", []).append({"method": method, "target": target, "headers": dict(headers)})
    if header(headers, "proxy-authorization") == "Basic bm86bm8=":
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        return writer.close()
    if method == "CONNECT":
        host, port = target.rsplit(":", 1)
        return await tunnel(reader, writer, host, int(port), b"HTTP/1.1 200 OK\r\n\r\n")
    writer.write(answer({"via": "proxy", "target": target}))
    writer.close()


async def socks(reader, writer):
    _, count = await reader.readexactly(2)
    await reader.readexactly(count)
    writer.write(b"\x05\x00")
    _, _, _, kind = await reader.readexactly(4)
    if kind == 1:
        host = socket.inet_ntoa(await reader.readexactly(4))
    else:
        host = (await reader.readexactly((await reader.readexactly(1))[0])).decode()
    port = struct.unpack(">H", await reader.readexactly(2))[0]
    logs.setdefault("socks", []).append({"host": host, "port": port})
    await tunnel(reader, writer, host, port, b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")


def openssl(directory, *args):
    subprocess.run(["openssl", *args], cwd=directory, check=True, capture_output=True)


def make_certificates(directory):
    openssl(directory, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key",
            "-out", "ca.pem", "-days", "30", "-subj", "/CN=rille spec")
    for name in ("server", "client"):
        openssl(directory, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", name + ".key",
                "-out", name + ".csr", "-subj", "/CN=" + name)
        with open(os.path.join(directory, "names"), "w") as names:
            names.write("subjectAltName=DNS:localhost,IP:127.0.0.1")
        openssl(directory, "x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-out", name + ".pem", "-days", "30", "-extfile", "names")
        with open(os.path.join(directory, name + ".pem"), "a") as both, open(os.path.join(directory, name + ".key")) as key:
            both.write(key.read())


def tls(directory, mutual):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(directory, "server.pem"))
    if mutual:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(os.path.join(directory, "ca.pem"))
    return context


async def listen(handler, context=None):
    server = await asyncio.start_server(handler, "127.0.0.1", 0, ssl=context, limit=1 << 18, backlog=1024)
    return server.sockets[0].getsockname()[1]


async def until_input_ends():
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()


async def main(directory):
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # that a client has gone is what it was told to do
    make_certificates(directory)
    ports = {"http": await listen(connection), "other": await listen(connection),
             "https": await listen(connection, tls(directory, False)),
             "mutual": await listen(connection, tls(directory, True)),
             "proxy": await listen(proxy), "socks": await listen(socks)}
    await asyncio.start_unix_server(connection, os.path.join(directory, "unix"))
    temporary = os.path.join(directory, "ports.tmp")
    with open(temporary, "w") as out:
        json.dump(ports, out)
    os.rename(temporary, os.path.join(directory, "ports.json"))
    await until_input_ends()
    os._exit(0)


asyncio.run(main(sys.argv[1]))
