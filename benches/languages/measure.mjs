// How long Node's packages take for the tokens on stdin: prints one JSON list of rows, name, operation and nanoseconds.
// Each is told the published clock and checks signature, algorithm and expiry.
import { createSecretKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSigner, createVerifier } from "fast-jwt";
import * as jose from "jose";
import jsonwebtoken from "jsonwebtoken";

const ROUNDS = 5;
const MILLISECONDS = 300;

const { secret, now, tokens } = JSON.parse(readFileSync(0, "utf8"));
const claims = tokens.map((token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url")));

/** Nanoseconds of one call, the median of the rounds. */
async function perCall(call, inputs, waits) {
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) {
    let calls = 0;
    const begun = process.hrtime.bigint();
    while (process.hrtime.bigint() - begun < BigInt(MILLISECONDS) * 1_000_000n) {
      // What gives no promise is not made to wait for one.
      if (waits) for (const input of inputs) await call(input);
      else for (const input of inputs) call(input);
      calls += inputs.length;
    }
    rounds.push(Number(process.hrtime.bigint() - begun) / calls);
  }
  return rounds.sort((one, two) => one - two)[(ROUNDS - 1) / 2];
}

const key = await crypto.subtle.importKey(
  "raw", new TextEncoder().encode(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"],
);
const fast = { key: secret, algorithms: ["HS256"], clockTimestamp: now * 1000 };
const uncached = createVerifier({ ...fast, cache: false });
const cached = createVerifier({ ...fast, cache: tokens.length });
const signer = createSigner({ key: secret, algorithm: "HS256", noTimestamp: true });
// From a text it first tries to make a public key, each time.
const prepared = createSecretKey(Buffer.from(secret));
const policy = { algorithms: ["HS256"], clockTimestamp: now };
const joseVerify = (token) =>
  jose.jwtVerify(token, key, { algorithms: ["HS256"], currentDate: new Date(now * 1000), requiredClaims: ["exp"] });

// A peer that refuses would be measured for nothing: each of these throws then.
await joseVerify(tokens[0]);
uncached(tokens[0]);
jsonwebtoken.verify(tokens[0], prepared, policy);

const operations = [
  ["jose", "verify", joseVerify, tokens, true],
  ["jsonwebtoken", "verify", (token) => jsonwebtoken.verify(token, prepared, policy), tokens],
  ["fast-jwt, without its cache", "verify", uncached, tokens],
  ["fast-jwt, tokens it has seen", "verify", cached, tokens],
  ["jose", "sign", (all) => new jose.SignJWT(all).setProtectedHeader({ alg: "HS256" }).sign(key), claims, true],
  ["jsonwebtoken", "sign", (all) => jsonwebtoken.sign(all, prepared, { algorithm: "HS256", noTimestamp: true }), claims],
  ["fast-jwt", "sign", (all) => signer(all), claims],
];
const rows = [];
for (const [name, what, call, inputs, waits = false] of operations) {
  rows.push([`Node ${process.versions.node}: ${name}`, what, await perCall(call, inputs, waits)]);
}
console.log(JSON.stringify(rows));
