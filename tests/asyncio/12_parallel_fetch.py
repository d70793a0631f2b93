# SPDX-License-Identifier: MIT
import asyncio
import time

FETCHES = 20
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n"


async def answer(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    await asyncio.sleep(0.1)
    writer.write(RESPONSE)
    await writer.drain()
    writer.close()


async def fetch(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    response = await reader.read()
    writer.close()
    await writer.wait_closed()
    return len(response.split(b"\r\n\r\n", 1)[1])


async def app():
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    began = time.monotonic()
    sizes = await asyncio.gather(*(fetch(port) for _ in range(FETCHES)), return_exceptions=True)
    good = [size for size in sizes if isinstance(size, int)]
    print(f"{len(good)} of {FETCHES} downloads, {sum(good)} bytes")
    print("at the same time" if time.monotonic() - began < 1 else "one after the other")
    server.close()
    await server.wait_closed()


asyncio.run(app())
