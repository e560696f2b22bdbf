"""Verifies the same HS256 tokens with PyJWT and joserfc: microseconds for each, median of rounds in turns.

Called by `benches/other/run`, with the tokens on standard input. Times are not checked: they are the published clock's.
"""

import json
import statistics
import sys
import time

import joserfc
import jwt
from joserfc import jws
from joserfc.jwk import OctKey

given = json.load(sys.stdin)
secret, tokens = given["secret"], given["tokens"]
key = OctKey.import_key(secret)
lax = {"verify_exp": False, "verify_aud": False, "verify_iat": False}


def pyjwt(token):
    return jwt.decode(token, secret, algorithms=["HS256"], options=lax)["exp"]


def jose(token):
    return json.loads(jws.deserialize_compact(token, key, algorithms=["HS256"]).payload)["exp"]


subjects = {f"PyJWT {jwt.__version__}": pyjwt, f"joserfc {joserfc.__version__}": jose}
rounds = {name: [] for name in subjects}
for _ in range(15):
    for name, verify in subjects.items():
        start = time.process_time()
        for token in tokens:
            assert verify(token) > 0
        rounds[name].append((time.process_time() - start) / len(tokens))
for name, times in rounds.items():
    print(f"| {name} | {statistics.median(times) * 1e6:.1f} µs |")
