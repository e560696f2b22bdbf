// How a library author uses the vectors, shown with jose: one test per vector.
//
//     npm ci && node --test examples/jose.test.mjs        (in a copy of this folder's parent)
//
// What goes beyond syntax, algorithm, signature, decryption and time is skipped with the reason. KNOWN says where jose
// departs from an expectation and why; a test of that list fails if jose no longer departs.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { errors, importJWK, jwtDecrypt, jwtVerify } from "jose";

const VECTORS = process.env.VECTORS ?? path.dirname(import.meta.dirname);
const ALGORITHMS = {
  annexcloud: "HS256",
  "bursagb-jwt": "HS256",
  hexsafe: "RS256",
  hotwax: "HS256",
  masonhub: "dir",
};
const JUDGED = `token.malformed token.undecryptable header.alg-not-allowed header.crit-unsupported signature.invalid
  time.expired time.not-yet time.missing time.wrong-type`.split(/\s+/);
const KNOWN = {
  ".*/signed-with-a-(header|payload)-that-is-padded": "its base64url takes padding; only a signer can send it",
  ".*/signed-with-a-(header|payload)-with-unused-bits": "its base64url drops unused bits; only a signer can send it",
  ".*/(signature|tag)-respelt-with-padding": "its base64url takes padding: don't list tokens by their text",
  ".*/(signature|tag)-respelt-with-trailing-bits": "its base64url drops unused bits: don't list tokens by their text",
};

function octets(value) {
  if ("utf8" in value) return Buffer.from(value.utf8);
  if ("base64" in value) return Buffer.from(value.base64, "base64");
  const { before, unit, times, after } = value.repeat;
  return Buffer.from(before + unit.repeat(times) + after);
}

function whySkipped(scheme, choices, { steps }) {
  const [{ action, request, expect }] = steps;
  if (!(scheme in ALGORITHMS)) return "no JWT: a bare secret";
  if (choices["token-format"] === "opaque") return "no JWT: sealed text without JOSE framing";
  if (steps.length > 1 || !request) return "several steps: needs a server with a memory";
  if (expect.verdict === "any") return "no expectation at level may";
  if (action !== "call") return "a token that is asked for";
  const reasons = expect.reasons ?? [];
  // Who reads the field may see that a text is no token before the verifier does.
  const judged = reasons[0] === "token.malformed" ? [...JUDGED, "carrier.malformed"] : JUDGED;
  const beyond = reasons.filter((reason) => !judged.includes(reason));
  return beyond.length > 0 && `beyond a JWT verifier: ${beyond.join(", ")}`;
}

/** Whether jose accepts the token of this request, with the key that the caller's server would find. */
async function letIn(scheme, world, choices, { role, clock, request }) {
  const held = { ...world.platforms.primary, ...world.credentials[role].values };
  const alg = choices.algorithm ?? ALGORITHMS[scheme];
  const line = request.fields.find(({ name }) => name.toLowerCase() === "authorization");
  const token = octets(line.value).toString("latin1").trim().split(" ").at(-1);
  const options = { currentDate: new Date(clock * 1000), clockTolerance: world.leeway };
  try {
    if (alg === "dir") {
      const pinned = { keyManagementAlgorithms: ["dir"], contentEncryptionAlgorithms: ["A256GCM"] };
      await jwtDecrypt(token, Buffer.from(held.token_key.text), { ...options, ...pinned });
    } else {
      const key = held.private_key
        ? await importJWK(JSON.parse(held.private_key["key-pair"].public_jwk), alg)
        : Buffer.from((held.signing_key ?? held.secret).text);
      await jwtVerify(token, key, { ...options, algorithms: [alg], requiredClaims: ["exp"] });
    }
    return true;
  } catch (error) {
    if (error instanceof errors.JOSEError) return false;
    throw error;
  }
}

const unused = new Set(Object.keys(KNOWN));
for (const scheme of readdirSync(VECTORS)) {
  if (scheme === "schema" || !/^[a-z-]+$/.test(scheme)) continue;
  for (const name of readdirSync(path.join(VECTORS, scheme)).filter((each) => each.endsWith(".json"))) {
    const place = path.join(VECTORS, scheme, name);
    const { format, world, vectors } = JSON.parse(readFileSync(place));
    assert.equal(format, 1, place);
    for (const vector of vectors) {
      const choices = { ...world.choices, ...vector.choose };
      const known = Object.keys(KNOWN).find((pattern) => new RegExp(`^${pattern}$`).test(vector.id));
      const skip = whySkipped(scheme, choices, vector);
      if (!skip) unused.delete(known);
      test(vector.id, { skip }, async () => {
        const inside = await letIn(scheme, world, choices, vector.steps[0]);
        const expected = (vector.steps[0].expect.verdict === "accept") !== (known !== undefined);
        assert.equal(
          inside,
          expected,
          `${place}: ${vector.id}: ${known ? "no longer departs" : "let in"}: ${inside}`,
        );
      });
    }
  }
}
test("each known departure is of a vector that runs", () => assert.deepEqual([...unused], []));
