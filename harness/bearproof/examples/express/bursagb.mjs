// The BursaGB Reseller API with express-jwt, as in its README: the middleware in front of the routes, the claims in
// `req.auth`, an error handler for `UnauthorizedError`.

import express from "express";
import { expressjwt } from "express-jwt";
import jwt from "jsonwebtoken";

const secret = "Rb4fakeBursagbSigningKeyOfTheFirstPlatformKyXw62";

const customers = [
  { email: "partner@shop-a.example", password: "Ab1-fake-password-of-the-first-partner-Yz9", id: "1001", login: "reseller", scopes: ["account", "orders", "products"] },
  { email: "second@shop-a.example", password: "Cd2-fake-password-of-the-second-partner-Wx8", id: "2702", login: "reseller", scopes: ["products", "orders", "account"] },
  { email: "shopper@mail.example", password: "Gh4-fake-password-of-somebody-who-shops-St6", id: "4104", login: "storefront", scopes: ["account", "orders", "products"] },
  { email: "readonly@shop-a.example", password: "Ij5-fake-password-of-a-reader-and-no-more-Qr5", id: "5805", login: "reseller", scopes: ["account", "Orders", "orders-view"] },
];

export const bursagb = express();
bursagb.use(express.json());

function login(surface) {
  return (req, res) => {
    const { Email, Password } = req.body ?? {};
    const customer = customers.find((c) => c.login === surface && c.email === Email && c.password === Password);
    if (!customer) {
      return res.status(400).json({ success: false, message: "The login was not successful." });
    }
    const claims = { CustomerID: customer.id, Tenant: req.hostname, Scope: customer.scopes, LoginType: surface };
    const token = jwt.sign(claims, secret, { expiresIn: "1h" });
    const expiration = new Date(jwt.decode(token).exp * 1000);
    res.json({ success: true, data: { Token: token, Expiration: expiration.toISOString() } });
  };
}
bursagb.post("/Login/Customer/Api/Verify", login("reseller"));
bursagb.post("/Login/Customer/Verify", login("storefront"));

bursagb.use(expressjwt({ secret, algorithms: ["HS256"] }));
bursagb.use((req, res, next) => (req.auth.Tenant === req.hostname ? next() : res.sendStatus(401)));

function needs(surface, ...scopes) {
  return (req, res) => {
    if (req.auth.LoginType !== surface) return res.sendStatus(403);
    if (!scopes.every((scope) => req.auth.Scope.includes(scope))) return res.sendStatus(403);
    res.json({ success: true });
  };
}
bursagb.post("/Orders/Create", needs("reseller", "orders"));
bursagb.post("/Orders/Cancel", needs("reseller", "orders"));
bursagb.get("/Account/Details", needs("reseller", "account"));
bursagb.get("/Account/Addresses", needs("reseller", "account"));
bursagb.post("/Account/Close", needs("reseller", "account", "administration"));
bursagb.get("/Basket/Details", needs("storefront", "account"));

bursagb.use((err, req, res, next) => {
  if (err.name === "UnauthorizedError") {
    res.status(401).send("invalid token...");
  } else {
    next(err);
  }
});
