"""The Annex Cloud scheme with FastAPI and PyJWT. The site is read from the token before it is verified, as PyJWT's page
on usage shows it for claims that say which key to use; the raw body is Starlette's."""
import base64
import hashlib
import hmac
import json
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from jwt.exceptions import InvalidTokenError

sites = {
    12345678: ("EXAMPLE_SITE", "Kp2fakeAnnexSecretOfThePrimarySiteXv63bTq9Rd"),
    87654321: ("OTHER_SITE", "Wd7fakeAnnexSecretOfTheOtherSiteHereLs81cYm4"),
}

app = FastAPI()
bearer = HTTPBearer()


async def authenticated(request: Request, credentials: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]):
    refused = HTTPException(status_code=401, detail="Unauthorized")
    token = credentials.credentials
    try:
        unverified = jwt.decode(token, options={"verify_signature": False})
        name, secret = sites[unverified["site_id"]]
        payload = jwt.decode(token, secret, algorithms=["HS256"])
    except (InvalidTokenError, KeyError):
        raise refused
    if request.method == "GET":
        content = json.dumps(request.path_params["id"], ensure_ascii=False).encode()
    else:
        content = await request.body()
    digest = hmac.new(secret.encode(), base64.b64encode(content), hashlib.sha256).digest()
    if payload["sub"] != name or payload["hmac"] != base64.b64encode(digest).decode():
        raise refused


@app.post("/api/3.0/users", dependencies=[Depends(authenticated)])
@app.post("/api/3.0/points", dependencies=[Depends(authenticated)])
@app.patch("/api/3.0/users/{id}", dependencies=[Depends(authenticated)])
@app.put("/api/3.0/users/{id}", dependencies=[Depends(authenticated)])
@app.get("/api/3.0/users/{id}", dependencies=[Depends(authenticated)])
@app.get("/api/3.0/points/{id}", dependencies=[Depends(authenticated)])
def done():
    return {"ok": True}
