# SPDX-License-Identifier: Apache-2.0
"""What a tracker meets out there, as little of it as a test needs: a peer that can be connected to, and another tracker."""

import http.server
import socket
import threading

from tracker_client import bencode


class FakePeer:
    """A client that does the BitTorrent handshake for whoever connects."""

    def __init__(self, info_hash, peer_id):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.answer = b"\x13BitTorrent protocol" + bytes(8) + info_hash + peer_id
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        try:
            while True:
                connection, _ = self.socket.accept()
                with connection:
                    connection.recv(1000)
                    connection.sendall(self.answer)
                    connection.recv(1000)
        except OSError:
            pass  # closed

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


class FakeTracker:
    """Gives everybody the same answer, and remembers what it was asked."""

    def __init__(self, **answer):
        self.asked = []  # targets
        asked, body = self.asked, bencode(answer)

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                asked.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = "http://127.0.0.1:%d/announce" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
