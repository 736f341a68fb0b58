#!/usr/bin/env python3
"""TLS servers that are wrong in one way each, for spec/rille/client_tls_spec.lua.

    tls_server.py DIRECTORY     listens, writes DIRECTORY/tls.json (name -> port), serves until its standard input ends

By certificate: good, expired, other (names a.example and b.example), self (signed by itself), unknown (by an authority that nobody
trusts), huge (with a chain of 2 MB), mutual (asks the client for one). By version: tls11, tls12. By what it does instead of a handshake:
plain (answers in plain HTTP), silent, half (a part of a ServerHello, then nothing), closes, alert (no_application_protocol).

Of those that get through the handshake, each answers any request with "hello", X-Connection, X-Reused and X-Version, and
    /cut      a body without a length, cut off without close_notify      /notify   the same, ended by close_notify
    /short    less than its Content-Length, then close_notify            /bye      an answer, then close_notify and the end
    /late     an answer, then bytes that nobody has asked for
"""
import json
import os
import socket
import ssl
import subprocess
import sys
import threading

counter, lock = 0, threading.Lock()


def openssl(directory, *args):
    subprocess.run(["openssl", *args], cwd=directory, check=True, capture_output=True)


def authority(directory, name, subject):
    openssl(directory, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", name + ".key",
            "-out", name + ".pem", "-days", "30", "-subj", subject)


def certificate(directory, name, by, names="DNS:localhost,IP:127.0.0.1", days="30"):
    openssl(directory, "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", name + ".key", "-out",
            name + ".csr", "-subj", "/CN=" + name)
    with open(os.path.join(directory, name + ".ext"), "w") as ext:
        ext.write("subjectAltName=" + names)
    signer = ["-signkey", name + ".key"] if by == name else ["-CA", by + ".pem", "-CAkey", by + ".key", "-CAcreateserial"]
    openssl(directory, "x509", "-req", "-in", name + ".csr", *signer, "-out", name + ".pem", "-days", days, "-extfile",
            name + ".ext")


def make_certificates(directory):
    authority(directory, "ca", "/CN=rille spec")
    authority(directory, "stranger", "/CN=a stranger")
    certificate(directory, "good", "ca")
    certificate(directory, "client", "ca")
    certificate(directory, "expired", "ca", days="-1")
    certificate(directory, "other", "ca", names="DNS:a.example,DNS:b.example")
    certificate(directory, "self", "self")
    certificate(directory, "unknown", "stranger")
    with open(os.path.join(directory, "huge.pem"), "w") as huge:
        parts = [open(os.path.join(directory, name + ".pem")).read() for name in ("good", "ca")]
        huge.write(parts[0] + parts[1] * 3000)
    os.link(os.path.join(directory, "good.key"), os.path.join(directory, "huge.key"))


def context(directory, name):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own = name if os.path.exists(os.path.join(directory, name + ".pem")) else "good"
    made.load_cert_chain(os.path.join(directory, own + ".pem"), os.path.join(directory, own + ".key"))
    if name == "tls12":
        made.maximum_version = ssl.TLSVersion.TLSv1_2
    if name == "tls11":
        made.set_ciphers("ALL:@SECLEVEL=0")
        made.minimum_version, made.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    if name == "mutual":
        made.verify_mode = ssl.CERT_REQUIRED
        made.load_verify_locations(os.path.join(directory, "ca.pem"))
    return made


def hello(connection, number):
    fields = "X-Connection: %d\r\nX-Reused: %s\r\nX-Version: %s\r\n" % (number, connection.session_reused, connection.version())
    return ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n%s\r\nhello" % fields).encode()


def read_request(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return None
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            left = int(line.split(b":")[1]) - len(body)
            while left > 0:
                left -= len(connection.recv(65536))
    return head.split(b" ")[1].decode(), b"\r\nconnection: close" in head.lower()


def answer(connection, path, number):
    """Returns whether the connection goes on."""
    if path in ("/cut", "/notify"):
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf")
    elif path == "/short":
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
    else:
        connection.sendall(hello(connection, number))
    if path == "/late":
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
    if path in ("/notify", "/short", "/bye"):
        connection.settimeout(0.2)
        try:
            connection.unwrap()
        except (OSError, ValueError):
            pass
    return path not in ("/cut", "/notify", "/short", "/bye")


def serve(plain, made):
    global counter
    with lock:
        counter += 1
        number = counter
    try:
        connection = made.wrap_socket(plain, server_side=True)
        while request := read_request(connection):
            if not answer(connection, request[0], number) or request[1]:
                break
        connection.close()
    except (OSError, ValueError):
        plain.close()


def misbehave(plain, how):
    try:
        if how != "silent":
            plain.recv(65536)
        if how == "plain":
            plain.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        elif how == "half":
            plain.sendall(b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03")
        elif how == "alert":
            plain.sendall(b"\x15\x03\x03\x00\x02\x02\x78")
        if how in ("silent", "half"):
            while plain.recv(65536):
                pass
        plain.close()
    except OSError:
        plain.close()


def listen(handler, *args):
    server = socket.create_server(("127.0.0.1", 0), backlog=256)

    def accept():
        while True:
            threading.Thread(target=handler, args=(server.accept()[0], *args), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    return server.getsockname()[1]


def main(directory):
    make_certificates(directory)
    ports = {name: listen(serve, context(directory, name))
             for name in ("good", "expired", "other", "self", "unknown", "huge", "mutual", "tls11", "tls12")}
    ports.update({how: listen(misbehave, how) for how in ("plain", "silent", "half", "closes", "alert")})
    with open(os.path.join(directory, "tls.tmp"), "w") as out:
        json.dump(ports, out)
    os.rename(os.path.join(directory, "tls.tmp"), os.path.join(directory, "tls.json"))
    sys.stdin.read()
    os._exit(0)


main(sys.argv[1])
