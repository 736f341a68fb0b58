#!/usr/bin/env python3
"""A server for what HTTP/2 does differently: answers that come before the request is all there, resets, GOAWAY.

    http2_server.py DIRECTORY    listens (TLS, with DIRECTORY/server.pem and .key), writes DIRECTORY/http2.port, serves until
                                 its standard input ends

/STATUS/HOW       answers once EARLY bytes of a body are there, or the request has ended; then takes what still comes
    whole         "answer", without a length
    length        with one
    empty         only a head
    late          the head, and "answer" half a second later
    large         8 MiB
    stop          whole, and a reset without an error in a TLS record behind it (RFC 9113 section 8.1)
    lost          the same in one record: libcurl 7.88 then throws the answer away
    reset         the head, and a reset with an error
    short         less than its length says
    broken        two lengths
    deaf          whole; the window is not opened again
    full          whole, once all of the request is there
    goodbye       whole; GOAWAY, and the connection is closed
    fields        500 header fields of 100 bytes
/first/HOW        "answer", where it is the first request on its connection; else the connection is aborted, or ends with a
                  GOAWAY that does not know the request (HOW: abort, away)
/refused/NAME     the first stream is reset with REFUSED_STREAM, the next one gets "answer"
/_log             what came: [{path, size, ended, reset, connection}]
"""
import asyncio
import json
import os
import ssl
import sys

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions

EARLY = 20000
LARGE = 8 << 20
log, refused = [], set()
connections = 0


class Connection(asyncio.Protocol):
    def connection_made(self, transport):
        global connections
        connections += 1
        self.number, self.transport, self.streams, self.pending = connections, transport, {}, {}
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, validate_outbound_headers=False))
        self.h2.initiate_connection()
        self.flush()

    def flush(self):
        self.transport.write(self.h2.data_to_send())

    def data_received(self, data):
        try:
            events = self.h2.receive_data(data)
        except h2.exceptions.ProtocolError:
            self.flush()
            self.transport.close()
            return
        for event in events:
            try:
                self.take(event)
            except h2.exceptions.StreamClosedError:
                pass  # the client has left it
        self.flush()

    def take(self, event):
        stream = getattr(event, "stream_id", None)
        entry = self.streams.get(stream)
        if isinstance(event, h2.events.RequestReceived):
            path = dict(event.headers)[b":path"].decode()
            entry = {"path": path, "size": 0, "ended": False, "reset": None, "connection": self.number, "answered": False}
            self.streams[stream] = entry
            if path != "/_log":
                log.append(entry)
        elif isinstance(event, h2.events.DataReceived):
            entry["size"] += len(event.data)
            if not entry["path"].endswith("/deaf"):
                self.h2.acknowledge_received_data(event.flow_controlled_length, stream)
            if entry["size"] >= EARLY and not entry["path"].endswith("/full"):
                self.answer(stream, entry)
        elif isinstance(event, h2.events.StreamEnded):
            entry["ended"] = True
            self.answer(stream, entry)
        elif isinstance(event, h2.events.StreamReset):
            entry["reset"] = int(event.error_code)
            self.pending.pop(stream, None)
        elif isinstance(event, h2.events.WindowUpdated):
            for waiting in list(self.pending):
                self.send_pending(waiting)

    def head(self, stream, status, fields=(), end=False):
        self.h2.send_headers(stream, [(":status", status), *fields], end_stream=end)

    def send_pending(self, stream):
        data = self.pending[stream]
        while data:
            room = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size, len(data))
            if not room:
                break
            self.h2.send_data(stream, data[:room], end_stream=room == len(data))
            data = data[room:]
        self.pending[stream] = data
        if not data:
            del self.pending[stream]

    def late(self, stream):
        if self.streams[stream]["reset"] is None:
            self.h2.send_data(stream, b"answer", end_stream=True)
            self.flush()

    def answer(self, stream, entry):
        if entry["answered"]:
            return
        entry["answered"] = True
        _, status, how = entry["path"].split("/")[:3] if entry["path"] != "/_log" else ("", "200", "log")
        if status == "refused":
            if how not in refused:
                refused.add(how)
                self.h2.reset_stream(stream, h2.errors.ErrorCodes.REFUSED_STREAM)
                return
            status, how = "200", "whole"
        if status == "first":
            if stream != 1:
                if how == "away":
                    self.h2.close_connection(last_stream_id=1)
                    self.flush()
                self.transport.close() if how == "away" else self.transport.abort()
                return
            status, how = "200", "whole"
        if how == "fields":
            self.head(stream, status, [("x-%d" % i, "v" * 100) for i in range(500)], end=True)
        elif how == "log":
            body = json.dumps(log).encode()
            self.head(stream, status, [("content-length", str(len(body)))])
            self.pending[stream] = memoryview(body)
            self.send_pending(stream)
        elif how == "empty":
            self.head(stream, status, end=True)
        elif how == "length":
            self.head(stream, status, [("content-length", "6")])
            self.h2.send_data(stream, b"answer", end_stream=True)
        elif how == "late":
            self.head(stream, status)
            asyncio.get_running_loop().call_later(0.5, self.late, stream)
        elif how == "large":
            self.head(stream, status)
            self.pending[stream] = memoryview(bytes(LARGE))
            self.send_pending(stream)
        elif how == "reset":
            self.head(stream, status)
            self.h2.reset_stream(stream, h2.errors.ErrorCodes.INTERNAL_ERROR)
        elif how == "short":
            self.head(stream, status, [("content-length", "60")])
            self.h2.send_data(stream, b"answer", end_stream=True)
        elif how == "broken":
            self.head(stream, status, [("content-length", "6"), ("content-length", "7")])
            self.h2.send_data(stream, b"answer", end_stream=True)
        else:
            self.head(stream, status)
            self.h2.send_data(stream, b"answer", end_stream=True)
            if how == "stop":
                self.flush()
            if how in ("stop", "lost"):
                self.h2.reset_stream(stream, h2.errors.ErrorCodes.NO_ERROR)
            if how == "goodbye":
                self.h2.close_connection()
                self.flush()
                self.transport.close()


async def main(directory):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory + "/server.pem", directory + "/server.key")
    context.set_alpn_protocols(["h2"])
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", 0, ssl=context)
    with open(directory + "/http2.port.new", "w") as file:
        file.write(str(server.sockets[0].getsockname()[1]))
    os.rename(directory + "/http2.port.new", directory + "/http2.port")
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
