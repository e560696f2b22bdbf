// A second opinion on the frozen vectors in a second language: jose and node:crypto, and none of the harness's code.
// It reads INDEX and <scheme>/<family>.json and nothing else.
//
//     npm ci && node opinions/second_opinion.mjs [--vectors DIR]
//
// It recomputes each value in the trace of each accepted request, makes its token anew, and plays every vector against a
// verifier of its own for each scheme: transport, carrier, token, key, signature, claims, time, binding, replay, access,
// and logins. It has no opinion on what guarded operations and registrations ask for beyond that.
// Exit status: 0 all agrees, 1 something does not, 2 the files can't be read.

import { createCipheriv, createHash, sign } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import {
  NO_OPINION,
  SCHEMES,
  base64url,
  bearer,
  endpointOf,
  hmac,
  judge,
  keyBytes,
  octets,
  parseJson,
} from "./verifiers.mjs";

/** What a step changes that went through: somebody is revoked, a phrase or a callback is registered. */
function remember({ world, ended }, { action, role, request }) {
  if (!request) return action === "revoke" && ended.add(role);
  const endpoint = endpointOf(world, request),
    callers = Object.entries(world.credentials);
  if (!["secrets", "delete-secrets", "callback"].includes(endpoint?.role)) return undefined;
  const body = JSON.parse(octets(request.body));
  const [values, same] =
    endpoint.role === "callback"
      ? [
          { api_token: { text: bearer(request) }, message_type: { text: body.message_type } },
          ["api_token", "message_type"],
        ]
      : [
          { account: { text: endpoint.parameters.account }, secret_phrase: { text: body.secret_phrase } },
          ["account", "secret_phrase"],
        ];
  const [known, credential] =
    callers.find(([, each]) => same.every((name) => each.values[name].text === values[name].text)) ?? [];
  if (endpoint.role === "delete-secrets") return ended.add(known);
  if (endpoint.role === "callback") values.token = { text: body.token ?? "" };
  if (known) Object.assign(credential.values, values);
  else world.credentials[JSON.stringify(values)] = { state: "active", values };
  return undefined;
}

/** Recomputes the trace of an accepted request and makes its token anew: says what differs. */
async function recompute(scheme, { world, choices }, { role, request, trace = [] }, count) {
  if (!scheme.values || !request.fields.some((line) => /^authorization$/i.test(line.name))) return [];
  const { values } = world.credentials[role];
  const token = bearer(request),
    parts = token.split("."),
    differs = [];
  let mine;
  if (scheme.unseal) {
    const key = keyBytes(world.platforms.primary.token_key),
      jwe = choices["token-format"] === "jwe";
    const claims = await scheme.unseal(token, key, choices["token-format"]);
    const sealed = jwe ? Buffer.concat(parts.slice(2).map(base64url)) : base64url(token);
    const cipher = createCipheriv("aes-256-gcm", key, sealed.subarray(0, 12));
    if (jwe) cipher.setAAD(Buffer.from(parts[0]));
    count("JWE or sealed plaintexts");
    if (!Buffer.concat([cipher.update(claims), cipher.final(), cipher.getAuthTag()]).equals(sealed.subarray(12)))
      differs.push("the token sealed anew differs");
    mine = [
      ...scheme.values(world, request, values),
      ...(jwe ? [["header", base64url(parts[0])]] : []),
      ["claims", claims],
    ];
  } else {
    const [alg, key] = scheme.key(world, values, choices),
      [header, claims] = parts.map(base64url);
    const input = Buffer.from(`${header.toString("base64url")}.${claims.toString("base64url")}`);
    const signature = alg === "RS256" ? sign("sha256", input, key) : hmac(alg.replace("HS", "sha"), key, input);
    count("signatures");
    if (signature.toString("base64url") !== parts[2]) differs.push("the signature made anew differs");
    mine = [
      ...scheme.values(world, request, values, choices, parseJson(claims).value),
      ["header", header],
      ["claims", claims],
      ["signing-input", input],
    ];
  }
  // A trace says what the signer did: it lacks what a recipe set by hand, and a token that was issued earlier.
  for (const { name, value } of trace) {
    while (mine.length > 0 && mine[0][0] !== name) mine.shift();
    const bytes = mine.shift()?.[1] ?? Buffer.from("nothing");
    count(
      /sha-512$/.test(name)
        ? "digests"
        : /hmac-sha/.test(name)
          ? "HMACs"
          : name === "signing-input"
            ? "signing inputs"
            : "other values of traces",
    );
    const right = value.digest
      ? value.digest.length === bytes.length &&
        value.digest.sha256 === createHash("sha256").update(bytes).digest("hex")
      : octets(value).equals(bytes);
    if (!right) differs.push(`the trace's \`${name}\` should be ${JSON.stringify(bytes.toString().slice(0, 100))}`);
  }
  return differs;
}

const MEMBERS = {
  // a vector that is read half is judged wrongly: unknown members are errors
  file: "format suite scheme family world vectors",
  vector: "id why level severity refs needs choose twin steps",
  step: "action role clock request trace expect",
  request: "secure method target fields body",
  expect: "verdict reasons status body",
};
function known(kind, value) {
  for (const name of Object.keys(value))
    if (!MEMBERS[kind].split(" ").includes(name)) throw new Error(`unknown member \`${name}\` in a ${kind}`);
  return value;
}

// Where our reading gives another code than the file for the same refusal. [expected, ours, why]
const NEIGHBOURS = [
  ["token.malformed", "carrier.malformed", "RFC 6750 section 2.1 says of which letters a bearer token is made"],
  [
    "carrier.malformed",
    "key.unknown",
    "no document gives an API key a form, so two joined by a comma are one unknown key",
  ],
];

async function play(scheme, file, vector, count, say) {
  const server = {
    world: structuredClone(file.world),
    choices: { ...file.world.choices, ...vector.choose },
    ended: new Set(),
    used: new Set(),
  };
  let skipped = false;
  for (const [n, step] of vector.steps.entries()) {
    const { verdict, reasons = [] } = known("expect", known("step", step).expect);
    const problem = (what) => say(`${vector.id}: step ${n + 1}: ${what}`);
    if (!["accept", "reject", "any"].includes(verdict)) problem(`unknown verdict \`${verdict}\``);
    if (step.request) {
      const outcome = await judge(scheme, server, known("request", step.request), step.clock);
      const neighbour = reasons.some((reason) =>
        NEIGHBOURS.some(([expected, ours]) => expected === reason && ours === outcome),
      );
      if (verdict === "any") count("not judged: any behaviour is allowed");
      else if (outcome === NO_OPINION) {
        skipped = true;
        count("not judged: what an operation asks for");
      } else if ((outcome === undefined) !== (verdict === "accept"))
        problem(`expected ${[verdict, ...reasons].join(" ")}, ours is ${outcome ?? "accept"}`);
      else if (outcome && !reasons.includes(outcome) && !neighbour)
        problem(`expected ${reasons.join(" or ")}, ours is ${outcome}`);
      else
        count(
          outcome
            ? reasons.includes(outcome)
              ? "refused for an expected reason"
              : "refused for a neighbouring reason"
            : "accepted",
        );
      if (verdict === "accept" && (outcome ?? NO_OPINION) === NO_OPINION)
        (await recompute(scheme, server, step, count)).forEach(problem);
    }
    if (verdict === "accept") remember(server, step);
  }
  if (vector.level !== "may") count(skipped ? "vectors judged in part" : "vectors judged in full");
}

async function main() {
  const {
    values: { vectors: folder },
  } = parseArgs({ options: { vectors: { type: "string", default: path.dirname(import.meta.dirname) } } });
  const counts = new Map(),
    problems = [],
    seen = new Map();
  let place = path.join(folder, "INDEX");
  const count = (what) => counts.set(what, (counts.get(what) ?? 0) + 1);
  try {
    const index = readFileSync(place, "utf8").trim().split("\n");
    for (const [name, scheme] of Object.entries(SCHEMES)) {
      for (const family of readdirSync(path.join(folder, name)).filter((each) => each.endsWith(".json"))) {
        place = path.join(folder, name, family);
        const bytes = readFileSync(place);
        parseJson(bytes); // refuses members that stand twice
        const file = known("file", JSON.parse(bytes));
        if (file.format !== 1) throw new Error(`format ${file.format}, expected 1`);
        for (const vector of file.vectors) {
          place = `${path.join(folder, name, family)}: ${vector.id}`;
          seen.set(known("vector", vector).id, vector);
          await play(scheme, file, vector, count, (what) =>
            problems.push(`${path.join(folder, name, family)}: ${what}`),
          );
        }
      }
    }
    for (const [id, { twin, steps }] of seen) {
      if (
        steps.some((step) => step.expect.verdict === "reject") &&
        !seen.get(twin)?.steps.every((step) => step.expect.verdict !== "reject")
      )
        problems.push(`${id}: no twin that is let in`);
    }
    const part = counts.get("vectors judged in part") ?? 0;
    if (part > index.length / 10) problems.push(`${part} vectors judged in part only, too many`);
    for (const id of index) if (!seen.delete(id)) problems.push(`${id}: in INDEX, and in no file`);
    for (const id of seen.keys()) problems.push(`${id}: not in INDEX`);
    console.log(`${String(index.length).padStart(6)} vectors`);
  } catch (error) {
    console.error(`${place}: can't be read as frozen vectors: ${error.message}`);
    return 2;
  }
  for (const [what, number] of [...counts].sort()) console.log(`${String(number).padStart(6)} ${what}`);
  console.log([...problems, `${problems.length} disagreements`].join("\n"));
  return problems.length > 0 ? 1 : 0;
}

process.exitCode = await main();
