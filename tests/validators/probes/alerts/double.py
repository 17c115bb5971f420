"""A contract double: a real HTTP server on a port the system gave, with answers made by a test."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

import anyio

T = TypeVar("T")


class Asked:
    """One request as it came."""

    def __init__(self, head: str, body: bytes) -> None:
        first, *lines = head.split("\r\n")
        self.method, target, _ = first.split(" ", 2)
        self.path = urlsplit(target).path
        self.query = parse_qs(urlsplit(target).query, keep_blank_values=True)
        self.headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in lines)
        }
        self.body = body


class Double:
    """Answers by path; a path without an answer is a 404. Keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[Asked], object] | object] = {}
        self.asked: list[Asked] = []
        self.status: dict[str, int] = {}
        self.link = ""
        self.delay_s = 0.0
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().rstrip("\r\n")
        length = [line for line in head.split("\r\n") if line.lower().startswith("content-length")]
        size = int(length[0].split(":")[1]) if length else 0
        asked = Asked(head, await reader.readexactly(size))
        self.asked.append(asked)
        await asyncio.sleep(self.delay_s)
        answer = self.answers.get(asked.path)
        status = self.status.get(asked.path, 200 if asked.path in self.answers else 404)
        given = answer(asked) if callable(answer) else answer
        body = given if isinstance(given, bytes) else json.dumps(given).encode()
        writer.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n" % (status, len(body)))
        if self.link:
            writer.write(f"link: {self.link}\r\n".encode())
        writer.write(b"\r\n" + body)
        writer.close()


@asynccontextmanager
async def serving() -> AsyncIterator[Double]:
    """A double that listens."""
    double = Double()
    server = await asyncio.start_server(double.serve, "127.0.0.1", 0)
    double.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield double
    finally:
        server.close()


def with_double(work: Callable[[Double], Awaitable[T]]) -> T:
    """Run *work* beside a double, on asyncio as a drill does."""

    async def main() -> T:
        async with serving() as double:
            return await work(double)

    return anyio.run(main)
