"""Starts the example APIs on loopback, each with and without TLS.

    EXAMPLE_CERTIFICATE=both.pem python server.py
"""
import asyncio
import os

import uvicorn

import annexcloud
import bursagb
import hexsafe
import masonhub


async def main():
    pem = os.environ["EXAMPLE_CERTIFICATE"]
    servers = []
    for app, port in (bursagb.app, 18140), (annexcloud.app, 18142), (hexsafe.app, 18144), (masonhub.app, 18146):
        options = {"host": "127.0.0.1", "log_level": "error", "access_log": False}
        servers.append(uvicorn.Server(uvicorn.Config(app, port=port, **options)))
        tls = {"ssl_certfile": pem, "ssl_keyfile": pem}
        servers.append(uvicorn.Server(uvicorn.Config(app, port=port + 1, **options, **tls)))
    await asyncio.gather(*(server.serve() for server in servers))


asyncio.run(main())
