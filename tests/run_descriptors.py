# SPDX-License-Identifier: MIT
"""Closes and replaces all descriptors that it can, as daemons do, and waits for something after each time. Run by
test_cede_command.sh under `cede run`; knows nothing of cede."""
import os
import resource
import subprocess
import threading
import time


def wait():
    reader, writer = os.pipe()
    thread = threading.Timer(0.02, os.write, (writer, b"hello"))
    thread.start()
    assert os.read(reader, 5) == b"hello"
    thread.join()
    time.sleep(0.01)
    os.close(reader)
    os.close(writer)


def close_each(first, end):
    for fd in range(first, end):
        try:
            os.close(fd)
        except OSError:
            pass


wait()
os.closerange(3, 4096)
wait()
close_each(3, 1024)
wait()

null = os.open("/dev/null", os.O_RDWR)
for fd in range(500, 530):
    os.dup2(null, fd)
wait()

resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
wait()
for fd in range(3, 64):
    if fd != null:
        os.dup2(null, fd)
close_each(3, 64)
wait()

child = os.fork()
if child == 0:
    os.closerange(3, 4096)
    wait()
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert subprocess.run(["sh", "-c", "sleep 0.01; echo x"], stdout=subprocess.PIPE).stdout == b"x\n"
assert subprocess.run(["sh", "-c", "sleep 0.01; echo y"], stdout=subprocess.PIPE,
                      preexec_fn=lambda: close_each(3, 64)).stdout == b"y\n"
assert os.popen("sleep 0.01; echo z").read() == "z\n"
wait()
print("all is well")
