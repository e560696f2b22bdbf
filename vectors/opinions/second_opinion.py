#!/usr/bin/env python3
"""A second opinion on the frozen vectors, which shares no line with the harness that made them.

Reads <scheme>/<family>.json and nothing else, computes every digest, HMAC, signature and decryption anew from the
published world, and compares its own verdict with the expected one. It judges syntax, algorithm, signature, time and
binding of a token; replays, lifecycles, rights and carriers it can't judge, and says how often.
Exit status: 0 all agrees, 1 something does not or too little was judged, 2 the files can't be read.
"""
import argparse, base64, functools, hashlib, hmac, json, re, sys, urllib.parse, warnings
from collections import Counter
from pathlib import Path

import jwt
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

# What each vendor's document says, and the scheme's README where it is silent. exp: is it required, and are digits in
# a text a time; iat: must it be a number; names: claim -> value of the caller's credential; logins: need no token.
SCHEMES = {
    "hexsafe": {"alg": "RS256", "exp": "required", "names": {"api-key": "api_key"}},
    "annexcloud": {"alg": "HS256", "exp": "required, or text", "names": {"sub": "site_name", "site_id": "site_id"}},
    "bursagb-jwt": {"alg": "HS256", "exp": "required", "logins": ["generate-token", "storefront-login"],
                    "names": {"CustomerID": "customer_id", "Tenant": "tenant", "Scope": "scopes",
                              "LoginType": "surface"}},
    "hotwax": {"alg": "HS256", "exp": "required", "iat": True, "logins": ["login"],
               "names": {"userLoginId": "user_name"}},
    "masonhub": {"alg": "dir", "exp": "optional", "iat": True, "names": {"account": "account"}},
    "bursagb-apikey": None, "masonhub-callback": None,  # no token, no signature, no time
}
FLOOR = [(scheme, family) for scheme, families in {
    "hexsafe": "signature algorithm body-binding time", "annexcloud": "signature algorithm body-binding time",
    "bursagb-jwt": "signature algorithm time", "hotwax": "signature algorithm time", "masonhub": "signature time",
}.items() for family in families.split()]
JUDGED = {"signature.invalid", "token.undecryptable", "token.malformed", "header.alg-not-allowed", "time.expired",
          "time.not-yet", "time.wrong-type", "time.missing", "binding.body", "binding.path", "binding.missing",
          "binding.wrong-type"}
SHA = {"HS256": "sha256", "HS512": "sha512"}
# The example of Hexsafe's own document: the one digest here that nobody in this project made.
HEXSAFE_EXAMPLE = b"wij3HROZrND_YdAzUHHuqJUYgUchg7EKg8bPzCk3LMXOq9c00UxCL2g82A6TcPxoo2w_eWDDJUf-dD18vvOKLg=="


def plain(frozen):
    """The bytes of a frozen value."""
    if "utf8" in frozen:
        return frozen["utf8"].encode()
    if "base64" in frozen:
        return base64.b64decode(frozen["base64"], validate=True)
    part = frozen["repeat"]
    return (part["before"] + part["unit"] * part["times"] + part["after"]).encode()


def same(frozen, mine):
    if "digest" in frozen:
        return frozen["digest"] == {"sha256": hashlib.sha256(mine).hexdigest(), "length": len(mine)}
    return plain(frozen) == mine


def values(holder):
    """The values of a credential or a platform without their type: text, number, list or key pair."""
    return {name: next(iter(value.values())) for name, value in holder.items()}


def platform_key(world, name):
    return values(world["platforms"]["primary"])[name].encode()


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

    def constant(word):
        raise ValueError(f"{word} is no JSON")
    try:
        parsed = json.loads(data.decode(), object_pairs_hook=members, parse_constant=constant)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(parsed, dict):
        raise ValueError("no object")
    return parsed


def field(request, name):
    """The value of the only field of that name; none or two are a refusal."""
    found = [plain(line["value"]) for line in request["fields"] if line["name"].lower() == name]
    if len(found) != 1:
        raise ValueError(f"{len(found)} fields {name}")
    return found[0].strip(b" \t").decode("latin-1")


def hexsafe_digest(body, nonce, compact=True):
    """Base64url, padded, of SHA-512 of the body (white space between JSON tokens taken out) and the nonce."""
    if compact:
        body = re.sub(rb'("(?:[^"\\]|\\.)*")|[ \t\r\n]+', lambda found: found[1] or b"", body, flags=re.DOTALL)
    covered = body + str(nonce).encode()
    digest = hashlib.sha512(covered).digest()
    return ([("claims.digest: json-compact", body)] if compact else []) + [
        ("claims.digest: append {claims.nonce}", covered), ("claims.digest: sha-512", digest),
        ("claims.digest: base64url-padded", base64.urlsafe_b64encode(digest))]


def annexcloud_hmac(world, request, secret):
    """Base64(HMAC-SHA256(Base64(payload), secret)); the payload of a GET is its identifier as a JSON string."""
    payload, trace = plain(request["body"]), []
    if request["method"] in ("GET", "HEAD"):
        shapes = [re.sub(r"\\\{\w+\\\}", "([^/]+)", re.escape(endpoint["path"]))
                  for endpoint in world["endpoints"].values() if endpoint["method"] == "GET"]
        path = request["target"].partition("?")[0]
        raw = [found[1] for found in (re.fullmatch(shape, path) for shape in shapes) if found]
        try:
            identifier = urllib.parse.unquote(raw[0], errors="strict")
        except (IndexError, UnicodeDecodeError):
            return []
        payload = json.dumps(identifier, ensure_ascii=False).encode()
        trace = [("claims.hmac: json-string", payload)]
    text = base64.b64encode(payload)
    code = hmac.digest(secret, text, "sha256")
    return trace + [("claims.hmac: base64", text), ("claims.hmac: hmac-sha-256 credential.secret", code),
                    ("claims.hmac: base64", base64.b64encode(code))]


def compare(claims, name, expected, code):
    if name not in claims:
        return {"binding.missing"}
    if not isinstance(claims[name], str):
        return {"binding.wrong-type", code}
    return set() if claims[name].encode("utf-8", "surrogatepass") == expected else {code}


def bind(scheme, world, choices, request, claims, key):
    """Refusals of the claims that cover the request, and the values on the way."""
    if scheme == "annexcloud":
        code = "binding.path" if request["method"] in ("GET", "HEAD") else "binding.body"
        trace = annexcloud_hmac(world, request, key)
        return (compare(claims, "hmac", trace[-1][1], code) if trace else {code}), trace
    if scheme != "hexsafe":
        return set(), []
    refused = compare(claims, "uri", request["target"].partition("?")[0].encode(), "binding.path")
    if request["method"] != "POST":
        return refused, []
    nonce = claims.get("nonce")
    if type(nonce) is not int or not 0 <= nonce < 2**64:
        return refused | {"claims.nonce"}, []
    trace = hexsafe_digest(plain(request["body"]), nonce, choices["digest-body"] == "compact")
    return refused | compare(claims, "digest", trace[-1][1], "binding.body"), trace


def time_refusals(rules, claims, clock, leeway):
    """exp, nbf (RFC 7519 sections 4.1.4 and 4.1.5) and, where the scheme names it, the type of iat."""
    exp, nbf, refused = claims.get("exp"), claims.get("nbf", 0), set()
    if "text" in rules["exp"] and isinstance(exp, str) and re.fullmatch("[0-9]{1,20}", exp):
        exp = int(exp)
    if "exp" not in claims:
        exp, refused = clock + 1, {"time.missing"} if "required" in rules["exp"] else set()
    if any(type(number) not in (int, float) for number in (exp, nbf, claims.get("iat", 0) if rules.get("iat") else 0)):
        return refused | {"time.wrong-type"}
    expired, early = clock >= exp + leeway, clock < nbf - leeway
    return refused | ({"time.expired"} if expired else set()) | ({"time.not-yet"} if early else set())


@functools.cache
def public_key(jwk):
    return jwt.PyJWK.from_json(jwk, "RS256").key


@functools.cache
def private_key(pem):
    return serialization.load_pem_private_key(pem.encode(), None)


def keys(scheme, world, request, claims):
    """The keys that the verifier has for this token; two secrets of one site, around a rotation, are two keys."""
    held = [values(credential["values"]) for credential in world["credentials"].values()]
    if scheme == "hexsafe":
        named = field(request, "x-api-key")
        return [public_key(one["private_key"]["public_jwk"]) for one in held if one["api_key"] == named]
    if scheme == "annexcloud":
        named = claims.get("sub"), str(claims.get("site_id"))
        return [one["secret"].encode() for one in held if (one["site_name"], str(one["site_id"])) == named]
    return [platform_key(world, "signing_key")]


def signature_good(alg, key, covered, signature):
    if alg in SHA:
        return hmac.compare_digest(hmac.digest(key, covered, SHA[alg]), signature)
    try:
        key.verify(signature, covered, padding.PKCS1v15(), hashes.SHA256())
        return True
    except InvalidSignature:
        return False


def pyjwt_accepts(token, alg, key, claims):
    """The other library on algorithm and signature alone: its clock can't be set, and claims are compared above."""
    checks = ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")
    options = {"verify_signature": True, **{f"verify_{check}": False for check in checks}}
    try:
        return jwt.decode(token, key, algorithms=[alg], options=options) == claims
    except jwt.InvalidTokenError:
        return False


def open_jws(scheme, alg, world, request, token, note):
    """Refusals of algorithm and signature, header and claims as bytes, and the key that fits."""
    first, second, third = token.split(".")
    header, text, signature = map(unb64url, (first, second, third))
    parameters, claims, covered = json_object(header), json_object(text), f"{first}.{second}".encode()
    refused = set() if parameters.get("alg") == alg else {"header.alg-not-allowed"}
    fitting, known = [], keys(scheme, world, request, claims)
    for key in known:
        good = signature_good(alg, key, covered, signature)
        fitting += [key] if good else []
        # PyJWT is not asked about tokens that I can't parse (it is laxer about base64, NaN and members that come
        # twice), nor about header rules that I don't judge (it refuses crit, b64 and a kid that is no text).
        if not {"crit", "b64"} & set(parameters) and isinstance(parameters.get("kid", ""), str):
            note("signatures that PyJWT judged too")
            if pyjwt_accepts(token, alg, key, claims) != (good and not refused):
                note("PyJWT and cryptography disagree about the signature", problem=True)
    if not fitting:
        refused |= {"signature.invalid"} if known else {"key.unknown"}
    return refused, header, text, next(iter(fitting + known), None)


def open_sealed(choices, token, secret):
    """The same for JWE (dir, A256GCM), and for the choice `opaque`: base64url of iv, ciphertext and tag."""
    header, extra = b"", None
    if choices["token-format"] == "opaque":
        sealed = unb64url(token)
        iv, sealed = sealed[:12], sealed[12:]
    else:
        first, empty, *rest = token.split(".")
        header, iv, text, tag = map(unb64url, (first, *rest))
        parameters, extra, sealed = json_object(header), first.encode(), text + tag
        # No document has compression, and RFC 7516 section 4.1.3 lets nobody ignore zip.
        if [parameters.get(name) for name in ("alg", "enc", "zip")] != ["dir", "A256GCM", None]:
            return {"header.alg-not-allowed"}, header, b"{}", secret
        if empty or len(tag) != 16:
            raise ValueError("a key or tag of the wrong length")
    try:
        return set(), header, AESGCM(secret).decrypt(iv, sealed, extra), secret
    except InvalidTag:
        return {"token.undecryptable", "signature.invalid"}, header, b"{}", secret


def judge(scheme, rules, world, choices, step, note):
    """My refusals of a request as reason codes (none: I accept it), its token and claims, the values on the way."""
    request = step["request"]
    try:
        bearer = re.fullmatch(r"bearer +([A-Za-z0-9._~+/=-]+)", field(request, "authorization"), re.I | re.A)
        token = bearer[1] if bearer else ""
        if rules["alg"] == "dir":
            refused, header, text, key = open_sealed(choices, token, platform_key(world, "token_key"))
        else:
            alg = choices.get("algorithm", rules["alg"])
            refused, header, text, key = open_jws(scheme, alg, world, request, token, note)
        claims = json_object(text)
        unbound, trace = bind(scheme, world, choices, request, claims, key) if key else (set(), [])
    except ValueError:
        return {"token.malformed"}, "", {}, []
    refused |= unbound | time_refusals(rules, claims, step["clock"], world["leeway"])
    trace += ([("header", header)] if header else []) + [("claims", text)]
    if rules["alg"] != "dir":
        trace.append(("signing-input", b64url(header) + b"." + b64url(text)))
    return refused, token, claims, trace


def check_positive(scheme, rules, world, step, later, token, claims, trace, note):
    """What makes an accepted request good, made anew from the caller's own credential."""
    caller, frozen = values(world["credentials"][step["role"]]["values"]), step.get("trace", [])
    wanted = {claim: str(caller[value]) for claim, value in rules["names"].items()}
    if scheme == "hexsafe":
        signer = private_key(caller["private_key"]["private_pem"])
        signed = signer.sign(trace[-1][1], padding.PKCS1v15(), hashes.SHA256())
        if b64url(signed).decode() != token.split(".")[2]:
            note("signing again with the private key gives other bytes", problem=True)
    if scheme == "masonhub":
        # The account as a JSON string, so that account and phrase can't run into each other, then the phrase.
        account = json.dumps(caller["account"], ensure_ascii=False).encode()
        named = account + caller["secret_phrase"].encode()
        code = hmac.digest(platform_key(world, "token_key"), named, "sha256")
        trace = [("claims.phrase: json-string", account), ("claims.phrase: append {credential.secret_phrase}", named),
                 ("claims.phrase: hmac-sha-256 platform.token_key", code), ("claims.phrase: base64url", b64url(code)),
                 *trace]
        wanted["phrase"] = b64url(code).decode()
    names = [entry["name"] for entry in frozen]
    made_earlier = later and "claims" not in names
    if made_earlier:
        # The server made this token for what an earlier step told it (a new phrase, say), not for the world's caller.
        wanted.pop("phrase", None)
    if isinstance(claims.get("Scope"), list) and set(claims["Scope"]) <= set(caller.get("scopes", [])):
        wanted.pop("Scope", None)  # a token may say less than its caller may do
    if wanted != {claim: str(claims.get(claim)) for claim in wanted}:
        note("the claims are not the caller's", problem=True)
    if names and not any(name.startswith("claims.digest") for name in names):
        # The recipe gives the digest as the vendor's document prints it; it was compared above like any other.
        trace = [entry for entry in trace if not entry[0].startswith("claims.digest")]
    if made_earlier:
        # Nothing was signed for this step: it sends a token that an earlier step made or was given.
        note("positive steps with the token of an earlier step")
        trace = [entry for entry in trace if entry[0] in names]
    if names != [name for name, _ in trace]:
        note(f"the trace has {names}, mine {[name for name, _ in trace]}", problem=True)
    for entry, (name, mine) in zip(frozen, trace):
        note("values of traces computed anew")
        if not same(entry["value"], mine):
            note(f"the trace's `{name}` should be {mine[:100]!r}", problem=True)


def check_step(scheme, rules, world, vector, step, note):
    """Compares my verdict with the expected one. Returns why it could not, or nothing."""
    request, verdict, reasons = step["request"], step["expect"]["verdict"], set(step["expect"].get("reasons", []))
    if rules is None:
        return "the scheme has neither token nor signature"
    logins = [world["endpoints"][role]["path"] for role in rules.get("logins", [])]
    if request["target"].partition("?")[0] in logins:
        return "a login has no token yet"
    choices = {**world["choices"], **vector.get("choose", {})}
    refused, token, claims, trace = judge(scheme, rules, world, choices, step, note)
    if verdict == "any":
        return "any behaviour is allowed"
    if verdict == "accept" and refused:
        note(f"I refuse it ({', '.join(sorted(refused))}), expected is accept", problem=True)
    elif verdict == "accept":
        later = step is not vector["steps"][0]
        check_positive(scheme, rules, world, step, later, token, claims, trace, note)
    elif reasons and reasons <= JUDGED and not reasons & refused:
        mine = ", ".join(sorted(refused)) or "accept"
        note(f"I say {mine}, expected is {' or '.join(sorted(reasons))}", problem=True)
    elif not refused:
        return f"not my ground: {' or '.join(sorted(reasons))}"
    return None


def main():
    parser = argparse.ArgumentParser(description="A second opinion on the frozen vectors.")
    parser.add_argument("--vectors", type=Path, default=Path(__file__).resolve().parent.parent, metavar="DIR")
    folder = parser.parse_args().vectors
    count, unjudged, total, judged, problems = Counter(), Counter(), Counter(), Counter(), []
    warnings.simplefilter("ignore", jwt.InsecureKeyLengthWarning)
    if hexsafe_digest(b'{"string":"abcde"}', 4242658338)[-1][1] != HEXSAFE_EXAMPLE:
        problems.append("hexsafe: the digest of the vendor's own example comes out otherwise")
    if not folder.is_dir():
        print(f"{folder}: no such folder, expected the one with <scheme>/<family>.json", file=sys.stderr)
        return 2
    for path in sorted(set(folder.glob("*/*.json")) - set(folder.glob("schema/*"))):
        where = path
        try:
            frozen = json_object(path.read_bytes())
            for vector in frozen["vectors"]:
                where, skipped = f"{path}: {vector['id']}", []
                for number, step in enumerate(vector["steps"], 1):
                    def note(text, problem=False):
                        problems.extend([f"{vector['id']} step {number}: {text}"] if problem else [])
                        count.update([] if problem else [text])
                    if step.get("request") is not None:
                        scheme = frozen["scheme"]
                        skipped += [check_step(scheme, SCHEMES[scheme], frozen["world"], vector, step, note)]
                unjudged.update({why for why in skipped if why})
                if skipped and set(skipped) != {"any behaviour is allowed"}:
                    total[scheme, frozen["family"]] += 1
                    judged[scheme, frozen["family"]] += not any(skipped)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, jwt.PyJWTError) as error:
            print(f"{where}: can't be read as frozen vectors: {error!r}", file=sys.stderr)
            return 2
    for group in FLOOR:
        if judged[group] < 0.9 * total[group] or not total[group]:
            problems.append(f"{'/'.join(group)}: judged {judged[group]} of {total[group]} vectors, too few")
    print(f"{judged.total():6} of {total.total()} vectors that expect something judged in full")
    for text, times in [*sorted(count.items()), *((f"not judged: {why}", n) for why, n in sorted(unjudged.items()))]:
        print(f"{times:6} {text}")
    print(*problems, f"{len(problems)} disagreements", sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
