"""Load from several processes or machines: Locust sends what `bearproof feed` signs.

    BEARPROOF_TARGET=staging.toml locust -f locustfile.py --headless --host https://staging.example -u 50 -t 60s

Each process has a feed of its own, and asks it for a request at the moment when a user sends one, so that times and
nonces are fresh. More processes: `--processes 4`; more machines: `--master` on one and `--worker --master-host HOST` on the
others, each with bearproof and the profile. Options for the feed, such as an endpoint, go into BEARPROOF_FEED.
"""

import json
import os
import shlex
import subprocess
from urllib.parse import urlsplit

from gevent.lock import Semaphore
from locust import FastHttpUser, constant_throughput, task


class Feed:
    """Freshly signed requests, one at a time."""

    def __init__(self):
        command = [os.environ.get("BEARPROOF", "bearproof"), "feed", "--target", os.environ["BEARPROOF_TARGET"]]
        command += shlex.split(os.environ.get("BEARPROOF_FEED", ""))
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.one_at_a_time = Semaphore()

    def next(self):
        with self.one_at_a_time:
            self.process.stdin.write("\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"bearproof feed ended with {self.process.wait()}")
        return json.loads(line)


feed = None


class Caller(FastHttpUser):
    """One request a second for each user (`-u`), so that the rate does not depend on how fast answers come."""

    wait_time = constant_throughput(1)

    def on_start(self):
        global feed
        feed = feed or Feed()

    @task
    def call(self):
        request = feed.next()
        path = urlsplit(request["url"])
        path = path.path + ("?" + path.query if path.query else "")
        self.client.request(
            request["method"], path, headers=request["headers"], data=request["body"] or None, name="signed"
        )
