"""How long packages of Python take for the tokens on stdin: prints one JSON list of rows, name, operation and nanoseconds.

Each checks signature, algorithm and, where it can be told the published clock, expiry.
"""
import json
import statistics
import sys
import time

import joserfc.jwk
import joserfc.jwt
import jwt

ROUNDS, SECONDS = 5, 0.3


def per_call(call, inputs):
    """Nanoseconds of one call, the median of the rounds."""
    rounds = []
    for _ in range(ROUNDS):
        calls, begun = 0, time.perf_counter_ns()
        while time.perf_counter_ns() - begun < SECONDS * 1e9:
            for value in inputs:
                call(value)
            calls += len(inputs)
        rounds.append((time.perf_counter_ns() - begun) / calls)
    return statistics.median(rounds)


def main():
    given = json.load(sys.stdin)
    secret, now, tokens = given["secret"], given["now"], given["tokens"]
    claims = [jwt.decode(token, options={"verify_signature": False}) for token in tokens]
    key = joserfc.jwk.OctKey.import_key(secret)
    # PyJWT can't be told the time, so it is not asked about it.
    policy = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}
    registry = joserfc.jwt.JWTClaimsRegistry(now=now, exp={"essential": True})

    def joserfc_verify(token):
        registry.validate(joserfc.jwt.decode(token, key, algorithms=["HS256"]).claims)

    # A peer that refuses would be measured for nothing.
    joserfc_verify(tokens[0])
    operations = {
        ("PyJWT, no expiry", "verify"): (lambda t: jwt.decode(t, secret, algorithms=["HS256"], options=policy), tokens),
        ("joserfc", "verify"): (joserfc_verify, tokens),
        ("PyJWT", "sign"): (lambda c: jwt.encode(c, secret, algorithm="HS256"), claims),
        ("joserfc", "sign"): (lambda c: joserfc.jwt.encode({"alg": "HS256"}, c, key), claims),
    }
    version = f"Python {sys.version.split()[0]}"
    rows = [[f"{version}: {name}", what, per_call(*how)] for (name, what), how in operations.items()]
    print(json.dumps(rows))


main()
