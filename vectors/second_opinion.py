#!/usr/bin/env python3
"""A second opinion on the frozen vectors, which shares no line with the harness that made them.

Reads <scheme>/<family>.json and nothing else, recomputes every digest, HMAC, signature and decryption from the
published world, and compares its own verdict with the expected one. It has an opinion on token syntax, algorithm,
signature, time and binding only: replays, lifecycles and rights it counts as not judged.
Exit status: 0 all agrees, 1 something does not or too little was judged, 2 the files can't be read.
"""
import argparse, base64, hashlib, hmac, json, re, sys, urllib.parse, warnings
from collections import Counter
from pathlib import Path

import jwt
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# What each vendor's document says (README of the scheme where it is silent). `exp`: required or optional, and whether
# digits in a text are a time; `iat`: its type is checked; `names`: claim -> value of the credential that it repeats.
SCHEMES = {
    "hexsafe": {"alg": "RS256", "exp": "required", "names": {"api-key": "api_key"}},
    "annexcloud": {"alg": "HS256", "exp": "required or text", "names": {"sub": "site_name", "site_id": "site_id"}},
    "bursagb-jwt": {"alg": "HS256", "exp": "required", "logins": ["generate-token", "storefront-login"],
                    "names": {"CustomerID": "customer_id", "Tenant": "tenant", "Scope": "scopes",
                              "LoginType": "surface"}},
    "hotwax": {"alg": "HS256", "exp": "required", "iat": True, "logins": ["login"],
               "names": {"userLoginId": "user_name"}},
    "masonhub": {"alg": "dir", "exp": "optional", "iat": True, "names": {"account": "account"}},
    "bursagb-apikey": None,  # no token, no signature, no time: nothing to recompute
    "masonhub-callback": None,
}
JUDGED = {"signature.invalid", "token.undecryptable", "token.malformed", "header.alg-not-allowed", "time.expired",
          "time.not-yet", "time.wrong-type", "time.missing", "binding.body", "binding.path", "binding.missing",
          "binding.wrong-type"}
ANY = 'any behaviour is allowed'
FLOOR = ('signature', 'algorithm', 'body-binding', 'time')
SHA = {"HS256": "sha256", "HS512": "sha512"}
# The example of Hexsafe's own document: the one digest here that no code of this project made.
HEXSAFE_EXAMPLE = "wij3HROZrND_YdAzUHHuqJUYgUchg7EKg8bPzCk3LMXOq9c00UxCL2g82A6TcPxoo2w_eWDDJUf-dD18vvOKLg=="


def plain(value):
    """The bytes of a frozen value."""
    if "utf8" in value:
        return value["utf8"].encode()
    if "base64" in value:
        return base64.b64decode(value["base64"], validate=True)
    part = value["repeat"]
    return (part["before"] + part["unit"] * part["times"] + part["after"]).encode()


def same(frozen, mine):
    if "digest" in frozen:
        return frozen["digest"] == {"sha256": hashlib.sha256(mine).hexdigest(), "length": len(mine)}
    return plain(frozen) == mine


def values(holder):
    """The values of a credential or a platform: name -> text, number, list or key pair."""
    return {name: next(iter(value.values())) for name, value in holder.items()}


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def unb64url(text):
    """Strict: alphabet, no padding, no spare bits (RFC 7515 section 2)."""
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if b64url(data).decode() != text:
        raise ValueError("not base64url")
    return data


def json_strict(data):
    """JSON of RFC 8259 without duplicate members; Python alone would let NaN and duplicates pass."""
    def members(pairs):
        if len(dict(pairs)) != len(pairs):
            raise ValueError("duplicate member")
        return dict(pairs)

    def no_constant(word):
        raise ValueError(word)
    try:
        return json.loads(data.decode(), object_pairs_hook=members, parse_constant=no_constant)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


def json_object(data):
    parsed = json_strict(data)
    if not isinstance(parsed, dict):
        raise ValueError("no object")
    return parsed


def json_compact(body):
    """Takes white space between tokens out and changes nothing else."""
    return re.sub(rb'("(?:[^"\\]|\\.)*")|[ \t\r\n]+', lambda found: found[1] or b"", body, flags=re.DOTALL)


def field(request, name):
    """The only field of that name; none or two are a refusal."""
    found = [plain(line["value"]) for line in request["fields"] if line["name"].lower() == name]
    if len(found) != 1:
        raise ValueError(f"{len(found)} fields {name}")
    return found[0].strip(b" \t").decode("latin-1")


def hexsafe_digest(body, nonce, compact=True):
    trace = [("claims.digest: json-compact", json_compact(body))] if compact else []
    covered = (trace[0][1] if compact else body) + str(nonce).encode()
    digest = hashlib.sha512(covered).digest()
    padded = base64.urlsafe_b64encode(digest)
    return trace + [("claims.digest: append {claims.nonce}", covered), ("claims.digest: sha-512", digest),
                    ("claims.digest: base64url-padded", padded)]


def annexcloud_hmac(world, request, secret):
    if request["method"] in ("GET", "HEAD"):
        path = request["target"].partition("?")[0]
        shapes = (re.sub(r"\\\{\w+\\\}", "([^/]+)", re.escape(endpoint["path"]))
                  for endpoint in world["endpoints"].values() if endpoint["method"] == "GET")
        found = next(filter(None, (re.fullmatch(shape, path) for shape in shapes)), None)
        if not found:
            raise ValueError("a GET without identifier")
        identifier = urllib.parse.unquote_to_bytes(found[1]).decode()
        covered = json.dumps(identifier, ensure_ascii=False).encode()
        trace = [("claims.hmac: json-string", covered)]
    else:
        covered, trace = plain(request["body"]), []
    text = base64.b64encode(covered)
    code = hmac.digest(secret, text, "sha256")
    return trace + [("claims.hmac: base64", text), ("claims.hmac: hmac-sha-256 credential.secret", code),
                    ("claims.hmac: base64", base64.b64encode(code))]


def compare(claims, name, expected, code):
    if name not in claims:
        return {"binding.missing"}
    if not isinstance(claims[name], str):
        return {"binding.wrong-type", code}
    return set() if claims[name] == expected else {code}


def binding(scheme, world, choices, request, claims, key):
    """Refusals of the claims that cover the request, and the intermediate values."""
    method = request["method"]
    if scheme == "annexcloud":
        try:
            trace = annexcloud_hmac(world, request, key)
        except ValueError:
            return {"binding.path"}, []
        code = "binding.path" if method in ("GET", "HEAD") else "binding.body"
        return compare(claims, "hmac", trace[-1][1].decode(), code), trace
    if scheme != "hexsafe":
        return set(), []
    refused, trace = compare(claims, "uri", request["target"].partition("?")[0], "binding.path"), []
    if method == "POST":
        body, compact, nonce = plain(request["body"]), choices["digest-body"] == "compact", claims.get("nonce")
        if type(nonce) is not int or not 0 <= nonce < 2**64:
            return refused | {"claims: nonce"}, []
        trace = hexsafe_digest(body, nonce, compact)
        refused |= compare(claims, "digest", trace[-1][1].decode(), "binding.body")
    return refused, trace


def time_refusals(rules, claims, clock, leeway):
    """Refusals of exp, nbf (RFC 7519 sections 4.1.4 and 4.1.5) and, where the scheme names it, of iat's type."""
    refused, number = set(), lambda value: type(value) in (int, float)
    exp = claims.get("exp")
    if "text" in rules["exp"] and isinstance(exp, str) and re.fullmatch("[0-9]{1,20}", exp):
        exp = int(exp)
    if "exp" not in claims:
        refused |= {"time.missing"} if "required" in rules["exp"] else set()
    elif not number(exp):
        refused.add("time.wrong-type")
    elif clock >= exp + leeway:
        refused.add("time.expired")
    if "nbf" in claims and not number(claims["nbf"]) or rules.get("iat") and not number(claims.get("iat", 0)):
        refused.add("time.wrong-type")
    elif "nbf" in claims and clock < claims["nbf"] - leeway:
        refused.add("time.not-yet")
    return refused


def keys(scheme, world, request, claims):
    """The keys that the verifier has for this token. Two secrets of one site, around a rotation, are two keys."""
    held = [values(credential["values"]) for credential in world["credentials"].values()]
    if scheme == "hexsafe":
        return [jwt.PyJWK.from_json(one["private_key"]["public_jwk"], "RS256").key for one in held
                if one["api_key"] == field(request, "x-api-key")]
    if scheme == "annexcloud":
        return [one["secret"].encode() for one in held
                if (one["site_name"], str(one["site_id"])) == (claims.get("sub"), str(claims.get("site_id")))]
    return [values(world["platforms"]["primary"])["signing_key"].encode()]


def signature_good(alg, key, covered, signature):
    if alg in SHA:
        return hmac.compare_digest(hmac.digest(key, covered, SHA[alg]), signature)
    try:
        key.verify(signature, covered, padding.PKCS1v15(), hashes.SHA256())
        return True
    except InvalidSignature:
        return False


def pyjwt_accepts(token, alg, key, claims):
    """The other library on algorithm and signature; its clock can't be set, so it is not asked about the time."""
    off = dict.fromkeys(("verify_exp", "verify_nbf", "verify_iat", "verify_aud", "verify_iss", "verify_sub",
                         "verify_jti"), False)
    try:
        return jwt.decode(token, key, algorithms=[alg], options={"verify_signature": True, **off}) == claims
    except jwt.InvalidTokenError:
        return False


def open_jws(scheme, rules, world, choices, request, token, note):
    """Refusals of algorithm and signature, the decoded header and claims as bytes, the key that fitted."""
    first, second, third = token.split(".")
    header, text, signature = map(unb64url, (first, second, third))
    parameters, claims, covered = json_object(header), json_object(text), f"{first}.{second}".encode()
    alg = choices.get("algorithm", rules["alg"])
    refused = set() if parameters.get("alg") == alg else {"header.alg-not-allowed"}
    fitting, known = [], keys(scheme, world, request, claims)
    for key in known:
        good = signature_good(alg, key, covered, signature)
        fitting += [key] if good else []
        # PyJWT is not asked about tokens that I can't parse (it is laxer about base64, duplicates and NaN) nor about
        # header rules that are none of my grounds (it refuses crit, b64 and a kid that is no text).
        if not {"crit", "b64"} & set(parameters) and isinstance(parameters.get("kid", ""), str):
            note("signatures that PyJWT checked too")
            if pyjwt_accepts(token, alg, key, claims) != (good and not refused):
                note("cryptography and PyJWT disagree about the signature", problem=True)
    if not fitting:
        refused.add("signature.invalid" if known else "credential.unknown")
    return refused, header, text, next(iter(fitting + known), None)


def open_sealed(world, choices, token):
    """The same for JWE (dir, A256GCM) and for the choice `opaque`: base64url of iv, ciphertext and tag."""
    secret, header, extra = values(world["platforms"]["primary"])["token_key"].encode(), b"", b""
    if choices["token-format"] == "opaque":
        sealed = unb64url(token)
        iv, sealed = sealed[:12], sealed[12:]
    else:
        first, empty, *rest = token.split(".")
        header, iv, text, tag = map(unb64url, (first, *rest))
        parameters, extra, sealed = json_object(header), first.encode(), text + tag
        if (parameters.get("alg"), parameters.get("enc")) != ("dir", "A256GCM"):
            return {"header.alg-not-allowed"}, header, b"{}", secret
        if empty or len(tag) != 16:
            raise ValueError("not dir with A256GCM")
    try:
        return set(), header, AESGCM(secret).decrypt(iv, sealed, extra), secret
    except InvalidTag:
        return {"token.undecryptable", "signature.invalid"}, header, b"{}", secret


def judge(scheme, rules, world, choices, step, note):
    """My refusals of one request as reason codes (none: I accept it), its claims, and every value on the way."""
    request = step["request"]
    try:
        word = re.fullmatch(r"bearer +([A-Za-z0-9._~+/=-]+)", field(request, "authorization"), re.IGNORECASE)
        if not word:
            raise ValueError("no bearer token")
        if rules["alg"] == "dir":
            refused, header, text, key = open_sealed(world, choices, word[1])
        else:
            refused, header, text, key = open_jws(scheme, rules, world, choices, request, word[1], note)
        claims = json_object(text)
    except ValueError:
        return {"token.malformed"}, {}, []
    refused |= time_refusals(rules, claims, step["clock"], world["leeway"])
    unbound, trace = binding(scheme, world, choices, request, claims, key) if key else (set(), [])
    trace += ([("header", header)] if header else []) + [("claims", text)]
    if rules["alg"] != "dir":
        trace.append(("signing-input", b64url(header) + b"." + b64url(text)))
    return refused | unbound, claims, trace


def check_positive(scheme, rules, world, step, claims, trace, note):
    """What a good request must be, made anew from the caller's own credential."""
    caller = values(world["credentials"][step["role"]]["values"])
    if any(str(claims.get(claim)) != str(caller[value]) for claim, value in rules["names"].items()):
        note("a claim is not the caller's", problem=True)
    token = field(step["request"], "authorization").split()[1]
    if scheme == "hexsafe":
        pem = caller["private_key"]["private_pem"].encode()
        signer = serialization.load_pem_private_key(pem, None)
        if b64url(signer.sign(trace[-1][1], padding.PKCS1v15(), hashes.SHA256())).decode() != token.split(".")[2]:
            note("signing again with the private key gives other bytes", problem=True)
    if scheme == "masonhub":
        secret = values(world["platforms"]["primary"])["token_key"].encode()
        code = hmac.digest(secret, caller["secret_phrase"].encode(), "sha256")
        trace = [("claims.phrase: hmac-sha-256 platform.token_key", code),
                 ("claims.phrase: base64url", b64url(code)), *trace]
        if claims.get("phrase") != b64url(code).decode():
            note("the phrase is not the caller's", problem=True)
    frozen = step.get("trace", [])
    if [one["name"] for one in frozen] != [name for name, _ in trace]:
        note(f"the trace has {[one['name'] for one in frozen]}, not {[name for name, _ in trace]}", problem=True)
    for one, (name, mine) in zip(frozen, trace):
        note("values of traces recomputed")
        if not same(one["value"], mine):
            note(f"the trace's `{name}` is not {mine[:60]!r}", problem=True)


def check_step(scheme, rules, world, vector, step, note):
    """Compares my verdict with the expected one; says why it could not be judged, or None."""
    request, expect = step.get("request"), step["expect"]
    if request is None:
        return None
    if rules is None:
        return "the scheme has neither token nor signature"
    path = request["target"].partition("?")[0]
    if any(world["endpoints"][login]["path"] == path for login in rules.get("logins", [])):
        return "a login has no token yet"
    choices = {**world["choices"], **vector.get("choose", {})}
    refused, claims, trace = judge(scheme, rules, world, choices, step, note)
    reasons, verdict = set(expect.get("reasons", [])), expect["verdict"]
    if verdict == "any":
        return ANY
    if verdict == "accept" and refused:
        note(f"I refuse ({', '.join(sorted(refused))}), expected is accept", problem=True)
    elif verdict == "accept":
        check_positive(scheme, rules, world, step, claims, trace, note)
    elif reasons and reasons <= JUDGED and not reasons & refused:
        note(f"I say {sorted(refused) or 'accept'}, expected is {sorted(reasons)}", problem=True)
    elif not refused:
        return "I accept, expected is " + " or ".join(sorted(reasons))
    return None


def check_vector(scheme, world, vector, count, problems):
    """Whether each step of the vector that expects something of a request was judged."""
    skipped = set()
    for number, step in enumerate(vector["steps"], 1):
        def note(text, problem=False):
            count[text] += not problem
            problems.extend([f"{vector['id']}, step {number}: {text}"] * problem)
        skipped.add(check_step(scheme, SCHEMES[scheme], world, vector, step, note))
    for reason in skipped - {None}:
        count["not judged: " + reason] += 1
    return skipped <= {None, ANY}


def main():
    parser = argparse.ArgumentParser(description="A second opinion on the frozen vectors.")
    parser.add_argument("--vectors", type=Path, default=Path(__file__).parent, metavar="DIR")
    folder, count, problems, where = parser.parse_args().vectors, Counter(), [], None
    total, judged = Counter(), Counter()
    warnings.simplefilter("ignore", jwt.InsecureKeyLengthWarning)
    if hexsafe_digest(b'{"string":"abcde"}', 4242658338)[-1][1].decode() != HEXSAFE_EXAMPLE:
        problems.append("hexsafe: the digest of the vendor's own example comes out otherwise")
    for path in sorted(folder.glob("*/*.json")):
        where = path
        try:
            frozen = json_object(path.read_bytes())
            for vector in frozen["vectors"]:
                where = f"{path}: {vector['id']}"
                group = (frozen["scheme"], frozen["family"])
                total[group] += 1
                judged[group] += check_vector(frozen["scheme"], frozen["world"], vector, count, problems)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            print(f"{where}: can't be read as frozen vectors: {error!r}", file=sys.stderr)
            return 2
    for family in FLOOR:
        for scheme in SCHEMES:
            pass
    count["vectors"], count["vectors judged"] = total.total(), judged.total()
    for name in sorted(count):
        print(f"{count[name]:6} {name}")
    print(*problems, f"{len(problems)} problems", sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
