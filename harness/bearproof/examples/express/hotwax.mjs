// The HotWax login and two protected services with express-jwt and jsonwebtoken, as in their READMEs.

import express from "express";
import { expressjwt } from "express-jwt";
import jwt from "jsonwebtoken";

const secret = "Qa3fakeHotwaxSigningKeyOfTheFirstEnvironmentForTestUseOnlyZ81mWx";

const users = new Map([
  ["integration.user", { password: "Ab1-fake-password-of-the-integration-user-Yz9", permissions: ["INTEGRATION"], validity: 1800 }],
  ["second.user", { password: "Cd2-fake-password-of-the-second-user-here-Wx8", permissions: ["INTEGRATION"], validity: 2700 }],
  ["store.clerk", { password: "Ef3-fake-password-of-the-clerk-of-a-store-Uv7", permissions: ["integration", "INTEGRATION_VIEW"], validity: 900 }],
]);

export const hotwax = express();
hotwax.use(express.json());

hotwax.post("/api/login", (req, res) => {
  const { USERNAME, PASSWORD } = req.body ?? {};
  const user = users.get(USERNAME);
  if (!user || user.password !== PASSWORD) {
    return res.json({ _ERROR_MESSAGE_: "The login was not successful." });
  }
  const token = jwt.sign({ userLoginId: USERNAME }, secret, { expiresIn: user.validity });
  res.json({ token, expirationTime: jwt.decode(token).exp * 1000 });
});

hotwax.use(expressjwt({ secret, algorithms: ["HS256"] }));

function needs(...permissions) {
  return (req, res) => {
    const held = users.get(req.auth.userLoginId).permissions;
    if (!permissions.every((permission) => held.includes(permission))) return res.sendStatus(403);
    res.json({ ok: true });
  };
}
hotwax.post("/api/service/updateInventory", needs("INTEGRATION"));
hotwax.post("/api/service/updateShipment", needs("INTEGRATION"));
hotwax.get("/api/service/findInventory", needs("INTEGRATION"));
hotwax.get("/api/service/findShipment", needs("INTEGRATION"));
hotwax.get("/api/user-profile", needs());
hotwax.post("/api/service/deleteFacility", needs("INTEGRATION", "ADMINISTRATION"));

hotwax.use((err, req, res, next) => {
  if (err.name === "UnauthorizedError") {
    res.status(401).send("invalid token...");
  } else {
    next(err);
  }
});
