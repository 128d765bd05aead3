"""The Lambda Runtime API for one process, on a loopback port of its own.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html says what is asked and answered.
The one thing to get wrong: ending. A function waits for work in a request that is never answered;
the port is free again only when that connection is gone, so the process is ended first.
"""

import http
import http.server
import json
import logging
import re
import socket
import socketserver
import threading

from fanline_localstack.exchange import Answer, Exchange, Invocation

LOG = logging.getLogger(__name__)

VERSION = "/2018-06-01/runtime"
# Of a response; https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
RESPONSE_LIMIT = 6_291_556
ANSWER = re.compile(rf"{VERSION}/invocation/([^/]+)/(response|error)")


class RuntimeApi:
    """Listens until closed."""

    def __init__(self, exchange: Exchange) -> None:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.exchange = exchange
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.accept, name=f"runtime-api-{self.address}", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Frees the port. To be called when the process has ended."""
        self._server.stop()
        self._thread.join()


class _Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    # Of connections; they end with the process at the other end.
    daemon_threads = True
    exchange: Exchange

    def server_bind(self) -> None:
        # HTTPServer's own looks up this machine's name, which can take seconds.
        socketserver.TCPServer.server_bind(self)

    def accept(self) -> None:
        # serve_forever looks up only now and then whether to end.
        while True:
            try:
                request, address = self.get_request()
            except OSError:
                return
            self.process_request(request, address)

    def stop(self) -> None:
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError as error:
            LOG.debug("Closing a Runtime API: %s", error)
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        # A process that is killed leaves its connection in whatever state.
        LOG.debug("A connection to a Runtime API ended", exc_info=True)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self._read_body()
        if self.path != f"{VERSION}/invocation/next":
            self._refuse_path()
            return
        invocation = self.server.exchange.next()
        if invocation is None:
            self.close_connection = True
            return
        self._send_invocation(invocation)

    def do_POST(self) -> None:
        body = self._read_body()
        if self.path == f"{VERSION}/init/error":
            taken = self.server.exchange.fail_to_initialise(body if body else _document("Unhandled", ""))
            self._accept() if taken else self._refuse(http.HTTPStatus.FORBIDDEN, "InvalidStateTransition", "is initialised")
            return
        found = ANSWER.fullmatch(self.path)
        if not found:
            self._refuse_path()
            return
        request_id, kind = found.groups()
        answer = Answer(body or b"", is_error=kind == "error")
        if body is None:
            message = f"Response payload size exceeded maximum allowed payload size ({RESPONSE_LIMIT} bytes)."
            answer = Answer(_document("Function.ResponseSizeTooLarge", message), is_error=True)
        elif answer.is_error and not body:
            answer = Answer(_document("Unhandled", ""), is_error=True)
        if not self.server.exchange.answer(request_id, answer):
            self._refuse(http.HTTPStatus.BAD_REQUEST, "InvalidRequestID", "is not the invocation that is under way")
        elif body is None:
            self._refuse(http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "RequestEntityTooLarge", "is too large")
        else:
            self._accept()

    def _read_body(self) -> bytes | None:
        """None if it is too large. It is read to its end even so, or the function would not see the answer."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self._read(int(self.headers.get("Content-Length", 0)))
        body: bytes | None = b""
        while size := int(self.rfile.readline(1024).split(b";")[0], 16):
            chunk = self._read(size)
            self.rfile.readline(1024)
            fits = body is not None and chunk is not None and len(body) + size <= RESPONSE_LIMIT
            body = body + chunk if fits else None
        # Trailers, up to an empty line.
        while self.rfile.readline(65536).strip():
            pass
        return body

    def _read(self, size: int) -> bytes | None:
        if size <= RESPONSE_LIMIT:
            return self.rfile.read(size)
        while size > 0:
            size -= len(self.rfile.read(min(size, 65536))) or size
        return None

    def _send_invocation(self, invocation: Invocation) -> None:
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": invocation.request_id,
            "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
            "Lambda-Runtime-Trace-Id": invocation.trace_id,
        }
        self._send(http.HTTPStatus.OK, invocation.payload, headers)

    def _accept(self) -> None:
        self._send(http.HTTPStatus.ACCEPTED, b'{"status":"OK"}', {"Content-Type": "application/json"})

    def _refuse_path(self) -> None:
        # Extensions and telemetry are not imitated; a function can do without them.
        LOG.info("A function asked for %s %s, which is not imitated", self.command, self.path)
        self._refuse(http.HTTPStatus.NOT_FOUND, "NotFound", f"{self.path} is not imitated")

    def _refuse(self, status: http.HTTPStatus, error_type: str, message: str) -> None:
        self._send(status, _document(error_type, message), {"Content-Type": "application/json"})

    def _send(self, status: http.HTTPStatus, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        LOG.debug(format, *arguments)


def _document(error_type: str, message: str) -> bytes:
    return json.dumps({"errorType": error_type, "errorMessage": message}).encode()
