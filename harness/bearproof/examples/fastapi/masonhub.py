"""The MasonHub API with FastAPI and jwcrypto, which decrypts as its page on JWT shows it."""
import base64
import hashlib
import hmac
import json
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from jwcrypto.common import JWException
from jwcrypto.jwk import JWK
from jwcrypto.jwt import JWT

TOKEN_KEY = b"Gf5-fake-masonhub-production-J7q"
key = JWK(kty="oct", k=base64.urlsafe_b64encode(TOKEN_KEY).decode().rstrip("="))

phrases = {
    "acme": ["A1: Fake phrase, of the First account!", "b2; fake phrase, of a Second système?"],
    "acme-europe": ["D4, fake phrase of another Account »"],
}

app = FastAPI()
bearer = HTTPBearer()


def fingerprint(account, phrase):
    message = json.dumps(account).encode() + phrase.encode()
    digest = hmac.new(TOKEN_KEY, message, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def authenticated(account: str, credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]):
    refused = HTTPException(status_code=401, detail="Invalid bearer token")
    try:
        token = JWT(jwt=credentials.credentials, key=key, expected_type="JWE", algs=["dir", "A256GCM"])
        claims = json.loads(token.claims)
    except (JWException, ValueError):
        raise refused
    held = [fingerprint(claims["account"], phrase) for phrase in phrases.get(claims["account"], [])]
    if claims["environment"] != "production" or claims["phrase"] not in held:
        raise refused
    if claims["account"] != account:
        raise HTTPException(status_code=403, detail="Not your account")


@app.get("/{account}/api/v1/orders", dependencies=[Depends(authenticated)])
@app.get("/{account}/api/v1/skus", dependencies=[Depends(authenticated)])
@app.post("/{account}/api/v1/orders", dependencies=[Depends(authenticated)])
@app.post("/{account}/api/v1/skus", dependencies=[Depends(authenticated)])
def done():
    return {"ok": True}
