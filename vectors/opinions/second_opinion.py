#!/usr/bin/env python3
"""A second opinion on the frozen vectors, which shares no line with the harness that made them.

Reads INDEX and <scheme>/<family>.json, computes every digest, HMAC, signature and decryption anew from the published
world, and compares its own verdict with the expected one. It judges syntax, algorithm, signature, time and binding of
a token; replays, lifecycles, rights and carriers it can't judge, and says how often.
Exit status: 0 all agrees, 1 something does not or too little was judged, 2 the files can't be read.
"""
import argparse, base64, functools, hashlib, hmac, json, re, sys, urllib.parse
from collections import Counter
from pathlib import Path

import jwt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# What each vendor's document says, and the scheme's README where it is silent. text: digits in a text are a time;
# iat: must it be a number; names: claim -> value of the caller's credential; logins: need no token.
SCHEMES = {
    "hexsafe": {"alg": "RS256", "names": {"api-key": "api_key"}},
    "annexcloud": {"alg": "HS256", "text": True, "names": {"sub": "site_name", "site_id": "site_id"}},
    "bursagb-jwt": {"alg": "HS256", "logins": ["generate-token", "storefront-login"], "names": {
        "CustomerID": "customer_id", "Tenant": "tenant", "Scope": "scopes", "LoginType": "surface"}},
    "hotwax": {"alg": "HS256", "iat": True, "logins": ["login"], "names": {"userLoginId": "user_name"}},
    "masonhub": {"alg": "dir", "iat": True, "names": {"account": "account"}},
    "bursagb-apikey": None, "masonhub-callback": None,  # no token, no signature, no time
}
JUDGED = {"signature.invalid", "token.undecryptable", "token.malformed", "header.alg-not-allowed", "time.expired",
          "time.not-yet", "time.wrong-type", "time.missing", "binding.body", "binding.path", "binding.missing",
          "binding.wrong-type"}
public = functools.cache(lambda jwk: jwt.PyJWK.from_json(jwk, "RS256").key)
private = functools.cache(lambda pem: serialization.load_pem_private_key(pem.encode(), None))
# The example of Hexsafe's own document: the one digest here that nobody in this project made.
HEXSAFE = b"wij3HROZrND_YdAzUHHuqJUYgUchg7EKg8bPzCk3LMXOq9c00UxCL2g82A6TcPxoo2w_eWDDJUf-dD18vvOKLg=="


def octets(frozen):
    (form, data), = frozen.items()
    if form == "repeat":
        return (data["before"] + data["unit"] * data["times"] + data["after"]).encode()
    return data.encode() if form == "utf8" else base64.b64decode(data, validate=True)


def values(holder):
    """The values of a credential or a platform without their type: text, number, list or key pair."""
    return {name: next(iter(value.values())) for name, value in holder.items()}


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def unb64url(text):
    """Strict: no other alphabet, no padding, no spare bits (RFC 7515 section 2)."""
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if b64url(data).decode() != text:
        raise ValueError("not base64url")
    return data


def json_object(data):
    """Strict: RFC 8259 and no member twice. Python alone would let NaN and the last of two members pass."""
    def members(pairs):
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a member twice")
        return dict(pairs)
    try:
        parsed = json.loads(data.decode(), object_pairs_hook=members, parse_constant=lambda word: int("no " + word))
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(parsed, dict):
        raise ValueError("no object")
    return parsed


def field(request, name):
    """The value of the only field of that name; none or two are a refusal."""
    line, = [line for line in request["fields"] if line["name"].lower() == name]
    return octets(line["value"]).strip(b" \t").decode("latin-1")


def pipeline(part, data, *steps):
    """Each step's name and result."""
    return [(f"{part}: {name}", data := step(data)) for name, step in steps]


def json_string(text):
    return json.dumps(text, ensure_ascii=False).encode()


def hexsafe_digest(body, nonce, compact=True):
    """Of the body (white space between JSON tokens taken out) and the nonce."""
    def compacted(text):
        return re.sub(rb'("(?:[^"\\]|\\.)*")|[ \t\r\n]+', lambda found: found[1] or b"", text, flags=re.DOTALL)
    return pipeline("claims.digest", body, *[("json-compact", compacted)][:compact],
                    ("append {claims.nonce}", lambda data: data + str(nonce).encode()),
                    ("sha-512", lambda data: hashlib.sha512(data).digest()),
                    ("base64url-padded", base64.urlsafe_b64encode))


def annexcloud_hmac(world, request, secret):
    """Base64(HMAC-SHA256(Base64(payload), secret)); the payload of a GET is its identifier as a JSON string."""
    payload, literal = octets(request["body"]), request["method"] in ("GET", "HEAD")
    if literal:
        shapes = [re.sub(r"\\\{\w+\\\}", "([^/]+)", re.escape(endpoint["path"]))
                  for endpoint in world["endpoints"].values() if endpoint["method"] == "GET"]
        raw = [found[1] for shape in shapes if (found := re.fullmatch(shape, request["target"].partition("?")[0]))]
        try:
            payload = urllib.parse.unquote(raw[0], errors="strict")
        except (IndexError, UnicodeDecodeError):
            return []
    return pipeline("claims.hmac", payload, *[("json-string", json_string)][:literal], ("base64", base64.b64encode),
                    ("hmac-sha-256 credential.secret", lambda data: hmac.digest(secret, data, "sha256")),
                    ("base64", base64.b64encode))


def bind(scheme, world, choices, request, claims, key):
    """Refusals of the claims that cover the request, and the values on the way."""
    def compare(name, expected, code):
        if not isinstance(claims.get(name), str):
            return {"binding.wrong-type", code} if name in claims else {"binding.missing"}
        return set() if claims[name].encode("utf-8", "surrogatepass") == expected else {code}
    if scheme == "annexcloud":
        code = "binding.path" if request["method"] in ("GET", "HEAD") else "binding.body"
        trace = annexcloud_hmac(world, request, key)
        return (compare("hmac", trace[-1][1], code) if trace else {code}), trace
    if scheme != "hexsafe":
        return set(), []
    refused = compare("uri", request["target"].partition("?")[0].encode(), "binding.path")
    if request["method"] != "POST":
        return refused, []
    nonce = claims.get("nonce")
    if type(nonce) is not int or not 0 <= nonce < 2**64:
        return refused | {"claims.nonce"}, []
    trace = hexsafe_digest(octets(request["body"]), nonce, choices["digest-body"] == "compact")
    return refused | compare("digest", trace[-1][1], "binding.body"), trace


def time_refusals(rules, claims, now, leeway):
    """exp, nbf (RFC 7519 sections 4.1.4 and 4.1.5) and, where the scheme names it, the type of iat."""
    exp, nbf, iat = claims.get("exp", now + leeway + 1), claims.get("nbf", 0), claims.get("iat", 0)
    if rules.get("text") and isinstance(exp, str) and re.fullmatch("[0-9]{1,20}", exp):
        exp = int(exp)
    if any(type(number) not in (int, float) for number in (exp, nbf, iat if rules.get("iat") else 0)):
        return {"time.wrong-type"}
    found = {"time.missing": "exp" not in claims and rules["alg"] != "dir", "time.expired": now >= exp + leeway,
             "time.not-yet": now < nbf - leeway}
    return {code for code, applies in found.items() if applies}


def keys(scheme, world, request, claims):
    """The keys that the verifier has for this token; two secrets of one site, around a rotation, are two keys."""
    held = [values(credential["values"]) for credential in world["credentials"].values()]
    if scheme == "hexsafe":
        name = field(request, "x-api-key")
        return [public(one["private_key"]["public_jwk"]) for one in held if one["api_key"] == name]
    if scheme == "annexcloud":
        name = claims.get("sub"), str(claims.get("site_id"))
        return [one["secret"].encode() for one in held if (one["site_name"], str(one["site_id"])) == name]
    return [values(world["platforms"]["primary"])["signing_key"].encode()]


def open_jws(scheme, alg, world, request, token, note):
    """Refusals of algorithm and signature, header and claims as bytes, and the key that fits."""
    first, second, third = token.split(".")
    header, text, signature = map(unb64url, (first, second, third))
    refused = set() if json_object(header).get("alg") == alg else {"header.alg-not-allowed"}
    known, library = keys(scheme, world, request, json_object(text)), jwt.get_algorithm_by_name(alg)
    fitting = [key for key in known if library.verify(f"{first}.{second}".encode(), key, signature)]
    for _ in known:
        note("signatures that PyJWT judged")
    return refused | (set() if fitting else {"signature.invalid"} if known else {"key.unknown"}), header, text, \
        next(iter(fitting + known), None)


def open_sealed(choices, token, secret):
    """The same for JWE (dir, A256GCM), and for the choice `opaque`: base64url of iv, ciphertext and tag."""
    if choices["token-format"] == "opaque":
        header, extra, sealed = b"", None, unb64url(token)
    else:
        first, empty, *rest = token.split(".")
        (header, iv, text, tag), extra = map(unb64url, (first, *rest)), first.encode()
        parameters, sealed = json_object(header), iv + text + tag
        if empty or len(iv) != 12 or len(tag) != 16:
            raise ValueError("a key, iv or tag of the wrong length")
        # No document has compression, and RFC 7516 section 4.1.3 lets nobody ignore zip.
        if [parameters.get(name) for name in ("alg", "enc", "zip")] != ["dir", "A256GCM", None]:
            return {"header.alg-not-allowed"}, header, b"{}", secret
    try:
        return set(), header, AESGCM(secret).decrypt(sealed[:12], sealed[12:], extra), secret
    except InvalidTag:
        return {"token.undecryptable", "signature.invalid"}, header, b"{}", secret


def judge(scheme, rules, world, choices, step, note):
    """My refusals of a request as reason codes (none: I accept it), its token and claims, the values on the way."""
    request, platform = step["request"], values(world["platforms"].get("primary", {}))
    try:
        bearer = re.fullmatch(r"bearer +([\w.~+/=-]+)", field(request, "authorization"), re.I | re.A)
        token, alg = bearer[1] if bearer else "", choices.get("algorithm", rules["alg"])
        refused, header, text, key = open_sealed(choices, token, platform["token_key"].encode()) if alg == "dir" else \
            open_jws(scheme, alg, world, request, token, note)
        claims = json_object(text)
        unbound, trace = bind(scheme, world, choices, request, claims, key) if key else (set(), [])
    except ValueError:
        return {"token.malformed"}, "", {}, []
    trace += [("header", header)][:len(header)] + [("claims", text)]
    if rules["alg"] != "dir":
        trace.append(("signing-input", b64url(header) + b"." + b64url(text)))
    return refused | unbound | time_refusals(rules, claims, step["clock"], world["leeway"]), token, claims, trace


def check_positive(scheme, rules, world, choices, step, later, token, claims, trace, note):
    """What makes an accepted request good, made anew from the caller's own credential."""
    caller, frozen = values(world["credentials"][step["role"]]["values"]), step.get("trace", [])
    held = {**values(world["platforms"].get("primary", {})), **caller}
    names, alg = [entry["name"] for entry in frozen], choices.get("algorithm", rules["alg"])
    wanted = {claim: str(caller[value]) for claim, value in rules["names"].items()}
    # A step may send a token that the server made for what an earlier step told it (a new phrase, say).
    made_earlier = later and "claims" not in names
    if scheme == "masonhub":
        # The account as a JSON string, so that account and phrase can't run into each other, then the phrase.
        secret = held["token_key"].encode()
        phrase = pipeline("claims.phrase", caller["account"], ("json-string", json_string),
                          ("append {credential.secret_phrase}", lambda data: data + caller["secret_phrase"].encode()),
                          ("hmac-sha-256 platform.token_key", lambda data: hmac.digest(secret, data, "sha256")),
                          ("base64url", b64url))
        trace, wanted = phrase + trace, wanted | ({} if made_earlier else {"phrase": phrase[-1][1].decode()})
    else:
        key = next(held[name] for name in ("private_key", "signing_key", "secret") if name in held)
        anew = private(key["private_pem"]).sign(trace[-1][1], PKCS1v15(), hashes.SHA256()) if alg == "RS256" else \
            hmac.digest(key.encode(), trace[-1][1], alg.replace("HS", "sha"))
        again = b64url(anew).decode() == token.split(".")[2]
        note("signatures made anew" if again else "signing again gives other bytes", problem=not again)
    if isinstance(claims.get("Scope"), list) and set(claims["Scope"]) <= set(caller["scopes"]):
        wanted.pop("Scope")  # a token may say less than its caller may do
    if wanted != {claim: str(claims.get(claim)) for claim in wanted}:
        note("the claims are not the caller's", problem=True)
    if made_earlier:
        note("positive steps with the token of an earlier step")
    elif names[-1:] != [trace[-1][0]]:
        note(f"the trace ends with {names[-1:]}, expected is `{trace[-1][0]}`", problem=True)
    mine = iter(trace)  # a trace may lack what a recipe gives as the vendor's document prints it
    for entry in frozen:
        found = next((data for name, data in mine if name == entry["name"]), b"nothing")
        long = {"digest": {"sha256": hashlib.sha256(found).hexdigest(), "length": len(found)}}
        right = long == entry["value"] if "digest" in entry["value"] else octets(entry["value"]) == found
        note("values of traces computed anew" if right else f"the trace's `{entry['name']}` should be {found[:100]!r}",
             problem=not right)


def check_step(scheme, rules, world, vector, step, note):
    """Compares my verdict with the expected one. Returns why it could not, or nothing."""
    request, verdict, reasons = step["request"], step["expect"]["verdict"], set(step["expect"].get("reasons", []))
    if rules is None:
        return "the scheme has neither token nor signature"
    if request["target"].partition("?")[0] in [world["endpoints"][role]["path"] for role in rules.get("logins", [])]:
        return "a login has no token yet"
    choices = {**world["choices"], **vector.get("choose", {})}
    refused, token, claims, trace = judge(scheme, rules, world, choices, step, note)
    if verdict == "any":
        return "any behaviour is allowed"
    if verdict == "accept" and not refused:
        later = step is not vector["steps"][0]
        return check_positive(scheme, rules, world, choices, step, later, token, claims, trace, note)
    if verdict != "reject" or reasons and reasons <= JUDGED and not reasons & refused:
        mine = ", ".join(sorted(refused)) or "accept"
        return note(f"I say {mine}, expected is {' or '.join(sorted(reasons)) or verdict}", problem=True)
    return None if refused else f"not my ground: {' or '.join(sorted(reasons))}"


def main():
    parser = argparse.ArgumentParser(description="A second opinion on the frozen vectors.")
    parser.add_argument("--vectors", type=Path, default=Path(__file__).resolve().parent.parent, metavar="DIR")
    folder = parser.parse_args().vectors
    count, unjudged, total, judged, problems, ids = Counter(), Counter(), Counter(), Counter(), [], set()
    if hexsafe_digest(b'{"string":"abcde"}', 4242658338)[-1][1] != HEXSAFE:
        problems.append("hexsafe: the digest of the vendor's own example comes out otherwise")
    where = folder / "INDEX"
    try:
        index = set(where.read_text().split())
        for where in sorted(set(folder.glob("[a-z]*/[a-z]*.json")) - set(folder.glob("schema/*"))):
            path, frozen = where, json_object(where.read_bytes())
            for vector in frozen["vectors"]:
                where, skipped, group = f"{path}: {vector['id']}", set(), (frozen["scheme"], frozen["family"])
                for number, step in enumerate(vector["steps"], 1):
                    def note(text, problem=False):
                        problems.extend([f"{where} step {number}: {text}"] if problem else [])
                        count.update([] if problem else [text])
                    if step.get("request") is not None:
                        scheme = frozen["scheme"]
                        skipped.add(check_step(scheme, SCHEMES[scheme], frozen["world"], vector, step, note))
                ids.add(vector["id"])
                unjudged.update(skipped - {None})
                if skipped and skipped != {"any behaviour is allowed"}:
                    total[group] += 1
                    judged[group] += skipped == {None}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, jwt.PyJWTError) as error:
        print(f"{where}: can't be read as frozen vectors: {error!r}", file=sys.stderr)
        return 2
    problems += [f"{id}: in INDEX or in the files, and not in both" for id in sorted(index ^ ids)]
    for (scheme, family), vectors in total.items():
        if family in ("signature", "algorithm", "body-binding", "time") and judged[scheme, family] < 0.9 * vectors:
            problems.append(f"{scheme}/{family}: judged {judged[scheme, family]} of {vectors} vectors, too few")
    print(f"{judged.total():6} of {total.total()} vectors that expect something judged in full")
    for text, times in [*sorted(count.items()), *((f"not judged: {why}", n) for why, n in sorted(unjudged.items()))]:
        print(f"{times:6} {text}")
    print(*problems, f"{len(problems)} disagreements", sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
