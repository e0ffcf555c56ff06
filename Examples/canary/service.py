#!/usr/bin/env python3
"""A small HTTP/1.1 service that answers with its version: service.py VERSION PORT"""

import http.server
import json
import signal
import sys


class Service(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # One write per answer; without this every answer would wait for a delayed ACK.
    wbufsize = 65536
    disable_nagle_algorithm = True

    def do_GET(self):
        self.answer(received=0)

    def do_POST(self):
        length = int(self.headers.get("content-length", 0))
        self.answer(received=len(self.rfile.read(length)))

    def answer(self, received):
        body = json.dumps(
            {"version": version, "method": self.command, "path": self.path, "received": received}
        ).encode() + b"\n"
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("x-version", version)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128


version = sys.argv[1]
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
Server(("127.0.0.1", int(sys.argv[2])), Service).serve_forever()
