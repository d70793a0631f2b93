#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""test_client_service.py SERVICE: examples/service in the hands of people who kill things.

Starts PostgreSQL, Redis and three copies of the service on one port, loads them with wrk, and meanwhile kills a copy
and starts it again, kills and starts Redis, and has PostgreSQL crash, recover, stop and start. All the while writers
note each note that was acknowledged, and readers ask for those. Afterwards every acknowledged note must be in
PostgreSQL, no request may be left, and the copies must end when they are told to, with what they have begun. What is
answered must be right or say why not; nothing may take longer than PATIENCE_S.
"""
import contextlib
import glob
import http.client
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

PATIENCE_S = 5
COPIES = 3
SEED = 100
WRK_SCRIPT = f"""
local n = 0
request = function()
    n = n + 1
    if n % 10 == 0 then return wrk.format("POST", "/notes", nil, "of wrk " .. n) end
    return wrk.format("GET", "/notes/" .. math.random({SEED}))
end
"""


def program(name):
    places = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/lib/postgresql/*/bin"]
    found = [p for place in places for p in sorted(glob.glob(f"{place}/{name}")) if os.access(p, os.X_OK)]
    if not found:
        print(f"{name} is not installed")
        sys.exit(77)
    return found[0]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(condition, what, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"after {seconds} s: {what}"
        time.sleep(0.02)


def accepts(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


class Server:
    """A process that ends with this one, and can be ended and started again."""

    def __init__(self, stack, directory, command, port, user=None, environment=None):
        as_user = ["--reuid", user, "--regid", user, "--clear-groups"] if user and os.geteuid() == 0 else []
        self.command = [program("setpriv"), *as_user, "--pdeathsig", "KILL", *command]
        self.directory, self.port, self.environment = directory, port, environment
        stack.callback(lambda: self.stop(signal.SIGKILL))
        self.process = None
        self.start()

    def start(self):
        with open(f"{self.directory}/log", "ab") as log:
            self.process = subprocess.Popen(self.command, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, env={**os.environ, **(self.environment or {})})
        until(lambda: accepts(self.port) or self.process.poll() is not None, f"{self.command} does not accept")
        assert self.process.poll() is None, f"{self.command} has ended"

    def stop(self, signo):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signo)
        return self.process.wait(30) if self.process else None


class Postgres(Server):
    def __init__(self, stack, directory):
        os.mkdir(directory)
        if os.geteuid() == 0:
            shutil.chown(directory, "postgres")
        self.psql = [program("psql"), "-X", "-q", "-A", "-t", "-h", "127.0.0.1", "-U", "test", "postgres"]
        port = free_port()
        self.environment = {"PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": "test", "PGDATABASE": "postgres",
                            "PGSSLMODE": "disable", "PGGSSENCMODE": "disable"}
        setup = [program("initdb"), "-D", "data", "-A", "trust", "-U", "test", "-N", "--no-locale"]
        drop = ["--reuid", "postgres", "--regid", "postgres", "--clear-groups"] if os.geteuid() == 0 else []
        subprocess.run([program("setpriv"), *drop, *setup], cwd=directory, check=True, stdout=subprocess.DEVNULL)
        super().__init__(stack, directory, [program("postgres"), "-D", "data", "-k", directory, "-h", "127.0.0.1",
                                            "-p", str(port), "-c", "fsync=off", "-c", "shared_buffers=16MB", "-c",
                                            "max_connections=200"], port, "postgres", self.environment)

    def start(self):
        super().start()
        until(lambda: self.ask("select 1", check=False).strip() == "1", "PostgreSQL does not recover")

    def ask(self, query, check=True):
        return subprocess.run([*self.psql, "-c", query], env={**os.environ, **self.environment}, check=check,
                              stdout=subprocess.PIPE, stderr=None if check else subprocess.DEVNULL, text=True).stdout

    @contextlib.contextmanager
    def locked(self, seconds):
        """Nobody else can use the table for so long."""
        holder = subprocess.Popen([*self.psql, "-c", f"begin; lock notes; select 'locked'; select pg_sleep({seconds}); "
                                   "commit"], env={**os.environ, **self.environment}, stdout=subprocess.DEVNULL)
        until(lambda: self.ask("select count(*) from pg_locks where relation = 'notes'::regclass and mode = "
                               "'AccessExclusiveLock' and granted").strip() == "1", "no lock")
        yield
        assert holder.wait(30) == 0


class Client:
    """Asks, and counts how it went. What is neither right nor a reason is remembered as wrong."""

    def __init__(self, port):
        self.port, self.connection, self.served, self.refused, self.broken, self.wrong = port, None, 0, {}, 0, []

    def ask(self, method, path, body=None):
        """The status and text; None where the connection broke."""
        try:
            if not self.connection:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
            self.connection.request(method, path, body)
            response = self.connection.getresponse()
            status, text = response.status, response.read().decode()
        except (ConnectionError, http.client.HTTPException):
            self.broken += 1
        except OSError as error: # no answer in time
            self.wrong.append(f"{method} {path}: {error!r}")
        else:
            if status == 503 and re.fullmatch(r"(database|deadline): .+\n", text):
                self.refused[text.strip()] = self.refused.get(text.strip(), 0) + 1
            elif status >= 300:
                self.wrong.append(f"{method} {path}: {status} {text!r}")
            else:
                self.served += 1
            # A new connection now and then, perhaps to another copy.
            if response.will_close or (self.served and self.served % 50 == 0):
                self.connection.close()
                self.connection = None
            return status, text
        self.connection = None
        return None, None


def write(client, notes, name):
    text = f"{name} {client.served} {client.broken} {len(notes)} {random.random()}"
    status, answer = client.ask("POST", "/notes", text)
    if status == 201:
        if int(answer) in notes:
            client.wrong.append(f"two notes with the number {answer}")
        notes[int(answer)] = text
    elif status != 503:
        time.sleep(0.01)


def read(client, notes, _):
    number, text = random.choice(list(notes.items()))
    status, answer = client.ask("GET", f"/notes/{number}")
    if status == 200 and answer != text:
        client.wrong.append(f"note {number}: {answer!r} instead of {text!r}")


def metrics(port):
    status, text = Client(port).ask("GET", "/metrics")
    assert status == 200
    return {name: float(value) for name, value in re.findall(r"^([a-z_]\S*) (\S+)$", text, re.M)}


def manners(port):
    """What a service answers to those who do not ask nicely."""
    def answers(text):
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as s:
            s.sendall(text)
            return re.findall(rb"HTTP/1.1 (\d+)", b"".join(iter(lambda: s.recv(65536), b"")))

    last = b"GET /nothing HTTP/1.1\r\nConnection: close\r\n\r\n"
    assert answers(b"GET /notes/1 HTTP/1.1\r\n\r\nGET /notes/x HTTP/1.1\r\n\r\n" + last) == [b"200", b"404", b"404"]
    assert answers(b"PUT /notes HTTP/1.1\r\n\r\nGET /notes/9999999 HTTP/1.1\r\n\r\n" + last) == [b"405", b"404", b"404"]
    assert answers(b"POST /notes HTTP/1.1\r\nContent-Length: 5000\r\n\r\n" + 5000 * b"x") == [b"413"]
    assert answers(b"GET /" + 500 * b"x" + b" HTTP/1.1\r\n\r\n") == [b"414"]
    assert answers(b"what is this?\r\n\r\n") == [b"400"]
    assert answers(b"GET /notes/1 HTT") == [b"408"] # too slow


def disturb(postgres, redis, copies, served):
    """Each time it goes on when requests have been served again."""
    def serves_again(what):
        before = served()
        until(lambda: served() > before + 50, f"nothing is served after {what}")

    def hit(what, server, signo, pause):
        server.stop(signo)
        time.sleep(pause)
        server.start()
        serves_again(what)

    serves_again("the start")
    hit("a copy was killed", copies[1], signal.SIGKILL, 0.5)
    hit("Redis was killed", redis, signal.SIGKILL, 0.5)
    hit("PostgreSQL crashed", postgres, signal.SIGQUIT, 0)
    hit("PostgreSQL was stopped", postgres, signal.SIGINT, 0.5)
    with postgres.locked(1.5):
        pass
    serves_again("PostgreSQL did not answer")


def load(port, directory, seconds=100):
    with open(f"{directory}/wrk.lua", "w", encoding="utf-8") as script:
        script.write(WRK_SCRIPT)
    return subprocess.Popen([program("setpriv"), "--pdeathsig", "KILL", program("wrk"), "-t1", "-c64", f"-d{seconds}s",
                             "--timeout", f"{PATIENCE_S}s", "-s", script.name, f"http://127.0.0.1:{port}"],
                            stdout=subprocess.PIPE, text=True)


def main():
    service = os.path.abspath(sys.argv[1])
    random.seed(1)
    program("wrk")
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory(prefix="cede-service-"))
        os.chmod(directory, 0o755)
        stack.callback(lambda: sys.exc_info()[0] and os.system(f"tail -n 20 {directory}/log {directory}/*/log >&2"))
        postgres = Postgres(stack, f"{directory}/postgres")
        postgres.ask("create table notes (id bigserial primary key, text bytea not null)")
        redis_port = free_port()
        redis = Server(stack, directory, [program("redis-server"), "--bind", "127.0.0.1", "--port", str(redis_port),
                                          "--save", ""], redis_port)
        port, own = free_port(), [free_port() for _ in range(COPIES)]
        copies = [Server(stack, directory, [service, str(port), str(p), str(redis_port)], p,
                         environment=postgres.environment) for p in own]

        seeded = {}
        seeder = Client(port)
        for _ in range(SEED):
            write(seeder, seeded, "seed")
        assert sorted(seeded) == list(range(1, SEED + 1)), seeder.wrong
        manners(port)

        # Notes of each writer of its own; readers look at the first writer's as well.
        stop = threading.Event()
        clients = [Client(port) for _ in range(8)]
        notes = [dict(seeded) if i % 2 else {} for i in range(len(clients))]

        def work(i):
            while not stop.is_set():
                (read if i % 2 else write)(clients[i], notes[i], f"writer {i}")

        threads = [threading.Thread(target=work, args=(i,), daemon=True) for i in range(len(clients))]
        began = time.monotonic()
        wrk = load(port, directory)
        for thread in threads:
            thread.start()
        disturb(postgres, redis, copies, lambda: sum(client.served for client in clients))
        stop.set()
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive(), "a client hangs"
        wrk.send_signal(signal.SIGINT)
        report = wrk.communicate(timeout=30)[0]
        print(f"{time.monotonic() - began:.1f} s\n{report}")

        reasons = {}
        for client in clients:
            for reason, count in client.refused.items():
                reasons[reason] = reasons.get(reason, 0) + count
        for reason, count in sorted(reasons.items()):
            print(f"{count:6} times 503 {reason}")
        wrong = [what for client in clients for what in client.wrong]
        assert not wrong, wrong[:10]
        assert any("deadline: " in reason for reason in reasons), "no deadline was met"
        assert any("database: " in reason for reason in reasons), "no failure of PostgreSQL was told"
        assert sum(client.broken for client in clients) <= 2 * len(clients), "more than a killed copy explains"
        timeouts = re.search(r"timeout (\d+)", report)
        assert not timeouts or timeouts[1] == "0", "wrk waited in vain"

        # No acknowledged note is lost.
        kept = dict(line.split("|") for line in
                    postgres.ask("select id, encode(text, 'escape') from notes").splitlines())
        acknowledged = {number: text for some in [seeded, *notes] for number, text in some.items()}
        lost = [number for number, text in acknowledged.items() if kept.get(str(number)) != text]
        print(f"{len(acknowledged)} acknowledged, {len(kept)} kept, {len(lost)} lost")
        assert not lost, lost[:10]

        # No task is stuck, no place in a pool lost.
        for p in own:
            until(lambda p=p: metrics(p)["requests_in_flight"] == 0, "requests are left")
            figures = metrics(p)
            print({name: value for name, value in figures.items() if value})
            assert figures["store_connections"] <= 16 and figures["cache_hits_total"] > 0
        assert any(metrics(p)["deadlines_total"] for p in own)
        assert any(metrics(p)["cache_failures_total"] for p in own)

        # An orderly end: what has begun is answered.
        with postgres.locked(0.7):
            last, answers = Client(own[0]), {}
            thread = threading.Thread(target=write, args=(last, answers, "last"))
            thread.start()
            until(lambda: metrics(own[0])["requests_in_flight"] == 1, "the last request has not begun")
            ended = [copy.process.send_signal(signal.SIGTERM) for copy in copies]
            thread.join(10)
        assert len(answers) == 1 and last.connection is None, (last.wrong, last.refused, last.broken)
        ended = [copy.process.wait(PATIENCE_S) for copy in copies]
        assert ended == [0] * COPIES, ended


main()
