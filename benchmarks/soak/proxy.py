"""The network between clients and a Triton, with its faults: `python -m benchmarks.soak.proxy JSON`.

It listens on one port and hands every connection on to another. One mode holds at a time, for
connections that are open, too; `mode NAME` and `target PORT` come on stdin, one a line:

    pass       as if it were not there
    refused    nothing listens
    reset      connections are reset (RST), new ones and open ones, at their next byte
    cut        they are closed after some bytes of an answer
    truncated  an answer ends in the middle of its last block, and the connection with it
    delayed    every block comes late
    slow       later still: beyond the candidate's deadline, and within the request's
    silent     what is sent is taken, and nothing ever comes back

It ends when its stdin does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import socket
import struct
import sys
from typing import Final

MODES: Final = ("pass", "refused", "reset", "cut", "truncated", "delayed", "slow", "silent")
BLOCK: Final = 1 << 16
DELAY_S: Final = {"delayed": (0.2, 1.2), "slow": (1.7, 2.3)}
AFTER: Final = (1, 400)  # bytes of an answer that still come
_RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER with no time: close() sends RST


class Proxy:
    def __init__(self, port: int, target: int, seed: int) -> None:
        self.mode = "pass"
        self.target = target
        self._port = port
        self._chance = random.Random(seed)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def listen(self) -> None:
        self._server = await asyncio.start_server(
            self._connected, "127.0.0.1", self._port, reuse_address=True
        )

    async def turn(self, mode: str) -> None:
        """From now on. Open connections feel it at once, or at their next byte."""
        self.mode = mode
        if mode == "refused" and self._server is not None:
            self._server.close()
            self._server = None
            for writer in list(self._writers):
                writer.close()
        elif mode != "refused" and self._server is None:
            await self.listen()

    async def _connected(
        self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter
    ) -> None:
        self._writers.add(to_client)
        try:
            if self.mode == "reset":
                _reset(to_client)
                return
            try:
                server, to_server = await asyncio.open_connection("127.0.0.1", self.target)
            except OSError:  # the server is down: the client is told as a direct one would be
                _reset(to_client)
                return
            self._writers.add(to_server)
            ways = [
                asyncio.ensure_future(self._up(client, to_server, to_client)),
                asyncio.ensure_future(self._down(server, to_client)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                self._writers.discard(to_server)
                to_server.close()
        finally:
            self._writers.discard(to_client)
            to_client.close()

    async def _up(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        to_client: asyncio.StreamWriter,
    ) -> None:
        with contextlib.suppress(OSError):
            while block := await source.read(BLOCK):
                if self.mode == "reset":
                    _reset(to_client)
                    return
                if self.mode == "silent":
                    continue
                sink.write(block)
                await sink.drain()

    async def _down(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while block := await source.read(BLOCK):
                if self.mode == "reset":
                    _reset(sink)
                    return
                if self.mode == "silent":
                    continue
                if self.mode in DELAY_S:
                    await asyncio.sleep(self._chance.uniform(*DELAY_S[self.mode]))
                short = {"cut": self._chance.randint(*AFTER), "truncated": len(block) - 1}
                if self.mode in short:
                    sink.write(block[: min(short[self.mode], len(block) - 1)])
                    await sink.drain()
                    return
                sink.write(block)
                await sink.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    found: socket.socket | None = writer.get_extra_info("socket")
    if found is not None:
        with contextlib.suppress(OSError):
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


async def _serve(port: int, target: int, seed: int) -> None:
    proxy = Proxy(port, target, seed)
    await proxy.listen()
    print("listening", flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        verb, _, value = line.strip().partition(" ")
        if verb == "mode":
            await proxy.turn(value)
        elif verb == "target":
            proxy.target = int(value)
        print("done", flush=True)


def main() -> None:
    given = json.loads(sys.argv[1])
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(given["port"], given["target"], given["seed"]))


if __name__ == "__main__":
    main()
