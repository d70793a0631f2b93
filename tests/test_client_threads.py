#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_client_threads.py CEDE [MICROHTTPD]: servers that make a thread for each connection, under `cede run --threads`.

MICROHTTPD is run_microhttpd.c; the others are Debian's. Each is run plainly and with tasks, asked by many clients at
once, and told to end. With tasks it must have answered all of them as it does with threads, and never have had more
than a few OS threads; where an answer takes 100 ms, all together may take ten times as long, not a hundred times. What
it prints is the table in tools/cede/README.md. Exit status 77: nothing of it is installed.
"""
import asyncio
import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

FEW = 20       # OS threads: the runtime's own, and its helpers for lookups, of which there may be 16
DELAY_S = 0.1
PYTHON = """
import http.server, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(0.1)
        text = b"you asked for " + self.path.encode() + b"\\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    def log_message(self, *unused):
        pass
class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 4096
Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


async def get(port, number, tls):
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
    try:
        writer.write(f"GET /{number} HTTP/1.0\r\n\r\n".encode())
        answer = await reader.read()
        assert answer.endswith(f"you asked for /{number}\n".encode()), answer
    finally:
        writer.close()


async def store(port, number, tls):
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
    try:
        for turn in range(3):
            text = f"{number} {turn}".encode()
            writer.write(b"set key%d 0 0 %d\r\n%b\r\n" % (number, len(text), text))
            assert await reader.readline() == b"STORED\r\n"
            writer.write(b"get key%d\r\n" % number)
            assert (await reader.readline()).startswith(b"VALUE key%d 0 " % number)
            assert await reader.readline() == text + b"\r\n"
            assert await reader.readline() == b"END\r\n"
        await asyncio.sleep(DELAY_S)
    finally:
        writer.close()


def os_threads(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("Threads:"))


async def watch(pid, most):
    while True:
        most[0] = max(most[0], os_threads(pid))
        await asyncio.sleep(0.01)


async def load(pid, ask, port, clients, tls):
    most = [0]
    watching = asyncio.ensure_future(watch(pid, most))
    begin = time.monotonic()
    await asyncio.gather(*[ask(port, number, tls) for number in range(clients)])
    watching.cancel()
    return most[0], time.monotonic() - begin


def connected(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@contextlib.contextmanager
def running(command, port):
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        end = time.monotonic() + 30
        while not connected(port):
            assert process.poll() is None and time.monotonic() < end, f"{command[0]} does not listen"
            time.sleep(0.05)
        yield process
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def measure(cede, name, command, ask, port, clients, tls=None):
    table = []
    for way in [[], [cede, "run", "--threads"]]:
        with running(way + command, port) as process:
            most, seconds = asyncio.run(asyncio.wait_for(load(process.pid, ask, port, clients, tls), 60))
        table.append((most, seconds, process.returncode))
    (threads, plain_s, plain_status), (few, tasks_s, tasks_status) = table
    print(f"| {name} | {clients} | {threads}, {plain_s:.2f} s | {few}, {tasks_s:.2f} s |", flush=True)
    assert few <= FEW, f"{name}: {few} OS threads"
    assert tasks_s < clients * DELAY_S / 10 + 5, f"{name}: one after the other"
    assert tasks_status == plain_status, f"{name}: ends with {tasks_status} instead of {plain_status}"


def main():
    cede, *microhttpd = sys.argv[1:]
    done = 0
    with tempfile.TemporaryDirectory() as folder:
        for clients in [100, 1000]:
            for program in microhttpd:
                port = free_port()
                measure(cede, "libmicrohttpd", [program, str(port)], get, port, clients)
                done += 1
            if os.access("/usr/bin/python3", os.X_OK):
                port = free_port()
                measure(cede, "python3", ["/usr/bin/python3", "-c", PYTHON, str(port)], get, port, clients)
                done += 1
            if os.access("/usr/bin/memcached", os.X_OK):
                port = free_port()
                user = ["-u", "root"] if os.getuid() == 0 else []
                command = ["/usr/bin/memcached", *user, "-l", "127.0.0.1", "-p", str(port), "-t", "4", "-c", "2000"]
                measure(cede, "memcached -t 4", command, store, port, clients)
                done += 1
            if microhttpd and os.access("/usr/bin/stunnel4", os.X_OK):
                done += tls_in_front(cede, microhttpd[0], folder, clients)
    sys.exit(0 if done else 77)


def tls_in_front(cede, microhttpd, folder, clients):
    """stunnel makes a thread for each connection; a plain libmicrohttpd answers behind it."""
    port, behind = free_port(), free_port()
    both = f"{folder}/both.pem"
    if not os.path.exists(both):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days",
                        "2", "-keyout", f"{folder}/key.pem", "-out", f"{folder}/cert.pem"], check=True,
                       capture_output=True)
        with open(both, "w") as out:
            for part in "key", "cert":
                with open(f"{folder}/{part}.pem") as file:
                    out.write(file.read())
        os.chmod(both, 0o600)
    with open(f"{folder}/stunnel.conf", "w") as file:
        file.write(f"foreground = yes\npid =\ndebug = err\n[x]\naccept = 127.0.0.1:{port}\n"
                   f"connect = 127.0.0.1:{behind}\ncert = {both}\n")
    tls = ssl.create_default_context()
    tls.check_hostname = False
    tls.verify_mode = ssl.CERT_NONE
    with running([microhttpd, str(behind)], behind):
        measure(cede, "stunnel4", ["/usr/bin/stunnel4", f"{folder}/stunnel.conf"], get, port, clients // 5, tls)
    return 1


main()
