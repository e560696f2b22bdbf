// The Annex Cloud scheme with express-jwt (a secret for each site, by `secret` as a function) and node:crypto. The raw
// body comes from the `verify` hook of `express.json`.

import { createHmac } from "node:crypto";
import express from "express";
import { expressjwt } from "express-jwt";

const sites = {
  12345678: { name: "EXAMPLE_SITE", secret: "Kp2fakeAnnexSecretOfThePrimarySiteXv63bTq9Rd" },
  87654321: { name: "OTHER_SITE", secret: "Wd7fakeAnnexSecretOfTheOtherSiteHereLs81cYm4" },
};

export const annexcloud = express();
annexcloud.use(express.json({ verify: (req, res, raw) => { req.rawBody = raw; } }));
annexcloud.use(
  expressjwt({
    secret: async (req, token) => {
      const site = sites[token.payload.site_id];
      if (!site) throw new Error("missing_secret");
      return site.secret;
    },
    algorithms: ["HS256"],
  }),
);

function bound(content) {
  return (req, res) => {
    const site = sites[req.auth.site_id];
    const hmac = createHmac("sha256", site.secret).update(content(req).toString("base64")).digest("base64");
    if (req.auth.sub !== site.name || req.auth.hmac !== hmac) {
      return res.status(401).json({ errorCode: "401", errorMessage: "Unauthorized" });
    }
    res.json({ ok: true });
  };
}
const body = bound((req) => req.rawBody ?? Buffer.alloc(0));
const id = bound((req) => Buffer.from(JSON.stringify(req.params.id)));

annexcloud.post("/api/3.0/users", body);
annexcloud.post("/api/3.0/points", body);
annexcloud.patch("/api/3.0/users/:id", body);
annexcloud.put("/api/3.0/users/:id", body);
annexcloud.get("/api/3.0/users/:id", id);
annexcloud.get("/api/3.0/points/:id", id);

annexcloud.use((err, req, res, next) => {
  if (err.name === "UnauthorizedError") {
    res.status(401).json({ errorCode: "401", errorMessage: "Unauthorized" });
  } else {
    next(err);
  }
});
