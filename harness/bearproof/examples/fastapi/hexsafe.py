"""The Hexsafe scheme with FastAPI and PyJWT: an API key finds the public key, the token is checked with it, then its
claims against the request. Nonces are remembered in a set, as the page of a first version would."""
import base64
import hashlib
import json
from typing import Annotated

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from jwt.exceptions import InvalidTokenError

KEYS = "../../../../vectors/hexsafe/keys/"


def public_key(file):
    with open(KEYS + file, "rb") as pem:
        return load_pem_private_key(pem.read(), password=None).public_key()


users = {
    "hsk_1a00000000000000000000fa4e0000a1": (public_key("primary-4096.pem"), {"read", "transfer"}),
    "hsk_2b00000000000000000000fa4e0000b2": (public_key("other-2048.pem"), {"read", "transfer"}),
    "hsk_3c00000000000000000000fa4e0000c3": (public_key("next-2048.pem"), {"read", "transfer"}),
    "hsk_4d00000000000000000000fa4e0000d4": (public_key("unscoped-2048.pem"), {"read", "Transfer", "transfer-view"}),
}
nonces = set()

app = FastAPI()
api_key_header = APIKeyHeader(name="x-api-key")
bearer = HTTPBearer()


def needs(*permissions):
    async def check(
        request: Request,
        api_key: Annotated[str, Depends(api_key_header)],
        credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)],
    ):
        refused = HTTPException(status_code=401, detail="Missing or invalid authentication token.")
        if api_key not in users:
            raise refused
        key, held = users[api_key]
        try:
            payload = jwt.decode(credentials.credentials, key, algorithms=["RS256"])
        except InvalidTokenError:
            raise refused
        if payload["api-key"] != api_key or payload["uri"] != request.url.path:
            raise refused
        if request.method == "POST":
            nonce = payload["nonce"]
            compact = json.dumps(json.loads(await request.body()), separators=(",", ":"))
            digest = base64.urlsafe_b64encode(hashlib.sha512((compact + str(nonce)).encode()).digest())
            if payload["digest"] != digest.decode() or nonce in nonces:
                raise refused
            nonces.add(nonce)
        if not set(permissions) <= held:
            raise HTTPException(status_code=403, detail="You do not have permission to do this.")

    return Depends(check)


@app.get("/v1/validate", dependencies=[needs("read")])
@app.get("/v1/transactions", dependencies=[needs("read")])
@app.get("/v1/transfers", dependencies=[needs("transfer")])
@app.post("/v1/validate", dependencies=[needs("transfer")])
@app.post("/v1/transactions", dependencies=[needs("transfer")])
@app.post("/v1/users", dependencies=[needs("read", "administer")])
def done():
    return {"ok": True}
