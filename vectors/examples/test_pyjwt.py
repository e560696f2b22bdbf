"""How a library author uses the vectors, shown with PyJWT: one test per vector.

    pip install -r vectors/requirements.txt && pytest vectors/examples/test_pyjwt.py

What goes beyond syntax, algorithm, signature and time of a JWS is skipped with the reason. KNOWN says where PyJWT
departs from an expectation and why; such a test is an expected failure, and fails if PyJWT no longer departs.
"""
import base64, json, os, warnings
from datetime import datetime
from fnmatch import fnmatch
from pathlib import Path
from unittest import mock

import jwt, pytest

VECTORS = Path(os.environ.get("VECTORS", Path(__file__).resolve().parents[1]))
ALGORITHMS = {"annexcloud": "HS256", "bursagb-jwt": "HS256", "hexsafe": "RS256", "hotwax": "HS256"}
JUDGED = {"token.malformed", "header.alg-not-allowed", "header.crit-unsupported", "signature.invalid", "time.expired",
          "time.not-yet", "time.missing", "time.wrong-type"}
KNOWN = {
    "*/token-syntax/claims-in-utf-16*": "json.loads guesses UTF-16, which RFC 8259 section 8.1 forbids; only a signer can send it",
    "*/token-syntax/signed-with-a-*-that-is-padded": "it takes base64url with padding; only a signer can send it",
    "*/token-syntax/signature-respelt-with-padding": "it takes base64url with padding: don't list tokens by their text",
    "*/time/expiry-is-a-future-time-as-text": "it calls int() on exp; RFC 7519 section 2 wants a number",
    "hotwax/time/issued-at-is-a-text": "it calls int() on iat; nothing follows from the value here",
}


def octets(value):
    (form, data), = value.items()
    if form == "repeat":
        return (data["before"] + data["unit"] * data["times"] + data["after"]).encode()
    return data.encode() if form == "utf8" else base64.b64decode(data, validate=True)


def why_skipped(file, vector):
    expect = vector["steps"][0]["expect"]
    if file["scheme"] not in ALGORITHMS:
        return "no JWS: a sealed token or a bare secret"
    if len(vector["steps"]) > 1 or "request" not in vector["steps"][0]:
        return "several steps: needs a server with a memory"
    if expect["verdict"] == "any":
        return "no expectation at level may"
    if vector["steps"][0]["action"] == "obtain":
        return "a login, or a token that is asked for"
    reasons = expect.get("reasons", [])
    # Who reads the field may see that a text is no token before the verifier does.
    judged = JUDGED | {"carrier.malformed"} if reasons[:1] == ["token.malformed"] else JUDGED
    beyond = sorted(set(reasons) - judged)
    return f"beyond a JWT verifier: {', '.join(beyond)}" if beyond else None


def cases():
    for path in sorted(set(VECTORS.glob("[a-z]*/[a-z]*.json")) - set(VECTORS.glob("schema/*"))):
        file = json.loads(path.read_text(encoding="utf-8"))
        assert file["format"] == 1, f"{path}: format {file['format']}, expected 1"
        for vector in file["vectors"]:
            skip = why_skipped(file, vector)
            known = next((why for pattern, why in KNOWN.items() if fnmatch(vector["id"], pattern)), None)
            marks = [pytest.mark.skip(reason=skip)] if skip else \
                [pytest.mark.xfail(reason=known, strict=True, raises=AssertionError)] if known else []
            yield pytest.param(path, file, vector, id=vector["id"], marks=marks)


def let_in(file, vector, step):
    """Whether PyJWT accepts the token of this request, with the key that the caller's server would find."""
    world, choices = file["world"], {**file["world"]["choices"], **vector.get("choose", {})}
    held = {**world["platforms"].get("primary", {}), **world["credentials"][step["role"]]["values"]}
    algorithm = choices.get("algorithm", ALGORITHMS[file["scheme"]])
    key = jwt.PyJWK.from_json(held["private_key"]["key-pair"]["public_jwk"], algorithm) if "private_key" in held else \
        next(held[name]["text"] for name in ("signing_key", "secret") if name in held)
    fields = {line["name"].lower(): octets(line["value"]).strip(b" \t") for line in step["request"]["fields"]}
    with mock.patch("jwt.api_jwt.datetime") as clock, warnings.catch_warnings():
        warnings.simplefilter("ignore", jwt.InsecureKeyLengthWarning)
        clock.now.side_effect = lambda tz: datetime.fromtimestamp(step["clock"], tz)
        try:
            jwt.decode(fields["authorization"].split(b" ")[-1], key, algorithms=[algorithm], leeway=world["leeway"],
                       options={"require": ["exp"]})
        except jwt.InvalidTokenError:
            return False
    return True


@pytest.mark.parametrize("path, file, vector", list(cases()))
def test_vector(path, file, vector):
    step = vector["steps"][0]
    assert let_in(file, vector, step) == (step["expect"]["verdict"] == "accept"), f"{path}: {vector['id']}"


def test_each_known_departure_is_of_a_vector_that_runs():
    ran = [case.id for case in cases() if not any(mark.name == "skip" for mark in case.marks)]
    assert [pattern for pattern in KNOWN if not any(fnmatch(id, pattern) for id in ran)] == []
