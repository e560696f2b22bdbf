"""The BursaGB Reseller API with FastAPI and PyJWT, as in FastAPI's security tutorial."""
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, HTTPException, Request, status
from fastapi.security import OAuth2PasswordBearer
from jwt.exceptions import InvalidTokenError

SECRET_KEY = "Rb4fakeBursagbSigningKeyOfTheFirstPlatformKyXw62"
ALGORITHM = "HS256"

customers = {"1001", "2702", "3403", "4104", "5805"}

oauth2_scheme = OAuth2PasswordBearer(tokenUrl="Login/Customer/Api/Verify")

app = FastAPI()


def get_current_customer(request: Request, token: Annotated[str, Depends(oauth2_scheme)]):
    credentials_exception = HTTPException(
        status_code=status.HTTP_401_UNAUTHORIZED,
        detail="Could not validate credentials",
        headers={"WWW-Authenticate": "Bearer"},
    )
    try:
        payload = jwt.decode(token, SECRET_KEY, algorithms=[ALGORITHM])
    except InvalidTokenError:
        raise credentials_exception
    if payload.get("CustomerID") not in customers:
        raise credentials_exception
    if payload.get("Tenant") != request.url.hostname:
        raise credentials_exception
    return payload


def needs(surface, *scopes):
    def check(payload: Annotated[dict, Depends(get_current_customer)]):
        if payload.get("LoginType") != surface or not set(scopes) <= set(payload.get("Scope", [])):
            raise HTTPException(status_code=status.HTTP_403_FORBIDDEN, detail="Not enough permissions")
        return payload

    return Depends(check)


@app.post("/Orders/Create", dependencies=[needs("reseller", "orders")])
@app.post("/Orders/Cancel", dependencies=[needs("reseller", "orders")])
@app.get("/Account/Details", dependencies=[needs("reseller", "account")])
@app.get("/Account/Addresses", dependencies=[needs("reseller", "account")])
@app.post("/Account/Close", dependencies=[needs("reseller", "account", "administration")])
@app.get("/Basket/Details", dependencies=[needs("storefront", "account")])
def done():
    return {"success": True}
