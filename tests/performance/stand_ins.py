"""Stand-ins for what a function speaks with: the Lambda Runtime API, AWS and PagerDuty. They answer by rote: what is measured is ours."""

import collections
import json
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

AWS_NAMES = ["dynamodb", "streams.dynamodb", "secretsmanager", "sqs", "events"]
REGION = "us-east-1"
VENDOR_NAME = "api.pagerduty.com"


def names():
    return [f"{service}.{REGION}.amazonaws.com" for service in AWS_NAMES] + [VENDOR_NAME]


# --------------------------------------------------------------------------------------------------- HTTP


class Connection:
    """One connection of an HTTP/1.1 server, kept alive."""

    def __init__(self, stream):
        self.file = stream.makefile("rb")
        self.stream = stream

    def request(self):
        """Method, path, headers (lower case) and body; None at the end."""
        line = self.file.readline()
        if not line.strip():
            return None
        method, path, _ = line.decode().split(" ", 2)
        headers = {}
        while (line := self.file.readline().strip()):
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return method, path, headers, self.body(headers)

    def body(self, headers):
        if "chunked" in headers.get("transfer-encoding", ""):
            chunks = []
            while (size := int(self.file.readline().split(b";")[0], 16)):
                chunks.append(self.file.read(size))
                self.file.readline()
            while self.file.readline().strip():
                pass
            return b"".join(chunks)
        return self.file.read(int(headers.get("content-length", 0)))

    def answer(self, status, body=b"", headers=()):
        lines = [f"HTTP/1.1 {status} Whatever", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers]
        self.stream.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def serve(listener, handle):
    """Calls `handle` with each connection, in a thread of its own."""

    def one(stream):
        try:
            handle(stream)
        except (OSError, ValueError, ssl.SSLError):
            pass  # the function was ended
        finally:
            stream.close()

    def accept():
        while True:
            try:
                stream, _ = listener.accept()
            except OSError:
                return
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=one, args=(stream,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


# --------------------------------------------------------------------------------------------------- TLS


def certificates(folder):
    """A root, an intermediate and a server's certificate for all names, RSA 2048 as AWS has them; by openssl."""

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    def key_and_request(name, subject):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", subject)

    def sign(name, by, extensions):
        Path(folder, f"{name}.ext").write_text(extensions)
        openssl(
            *("x509", "-req", "-in", f"{name}.csr", "-CA", f"{by}.pem", "-CAkey", f"{by}.key", "-CAcreateserial"),
            *("-days", "2", "-sha256", "-extfile", f"{name}.ext", "-out", f"{name}.pem"),
        )

    openssl(
        *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=Measuring Root"),
        *("-keyout", "root.key", "-out", "root.pem"),
    )
    key_and_request("intermediate", "/CN=Measuring Intermediate")
    sign("intermediate", "root", "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=keyCertSign\n")
    key_and_request("server", "/CN=stand-in")
    sign("server", "intermediate", "subjectAltName=" + ",".join(f"DNS:{name}" for name in names()) + "\n")
    chain = Path(folder, "server.pem").read_text() + Path(folder, "intermediate.pem").read_text()
    Path(folder, "chain.pem").write_text(chain)


class World:
    """AWS and the vendor, on one port: they are told apart by name and target. `answers` is a scene's."""

    def __init__(self, folder):
        self.answers, self.calls, self.unanswered = None, collections.Counter(), []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(Path(folder, "chain.pem"), Path(folder, "server.key"))
        listener = socket.create_server(("127.0.0.1", 443), backlog=64)
        serve(listener, lambda stream: self.connection(context.wrap_socket(stream, server_side=True)))

    def connection(self, stream):
        self.calls["TLS connection"] += 1
        connection = Connection(stream)
        while (request := connection.request()):
            method, path, headers, body = request
            target = headers.get("x-amz-target", "").rpartition(".")[2]
            call = target or f"{method} {path.partition('?')[0]}"
            self.calls[call] += 1
            found = self.answers(call, json.loads(body) if body else None)
            if found is None:
                self.unanswered.append((call, body.decode()))
            kind = "application/x-amz-json-1.0" if target else "application/json"
            status = 404 if found is None else 200
            connection.answer(status, json.dumps(found or {}).encode(), [("content-type", kind)])


# --------------------------------------------------------------------------------------------------- Runtime API


class RuntimeApi:
    """Hands events out and takes answers. `after` is called with each answer, at once."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.events, self.after = iter(()), None
        serve(self.listener, self.connection)

    def connection(self, stream):
        connection = Connection(stream)
        while (request := connection.request()):
            method, path, _, body = request
            if method == "GET" and path.endswith("/invocation/next"):
                event = next(self.events, None)
                if event is None:
                    return  # nothing more to do: the process is ended
                self.hand_out(connection, event)
            else:
                self.after(path.rpartition("/")[2], body)
                connection.answer(202, b'{"status":"OK"}')

    def hand_out(self, connection, event):
        headers = [
            ("content-type", "application/json"),
            ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
            ("lambda-runtime-deadline-ms", str(int(time.time() * 1000) + 15_000)),
            ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:im"),
            ("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0"),
        ]
        connection.answer(200, event, headers)
