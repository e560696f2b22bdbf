// Verifiers of our own for the seven schemes: what each says to a request, and the values that its token depends on.
// Written from the vendors' documents, the scheme READMEs where a document is silent, and ../README.md; it reads no file.
// Quoted sentences are the vendors'.

import { createDecipheriv, createHash, createHmac, createPublicKey } from "node:crypto";
import { compactDecrypt, compactVerify } from "jose";

class Refused extends Error {}
const refuse = (code) => {
  throw new Refused(code);
};
export const NO_OPINION = Symbol("no opinion");

// --- Bytes, base64url and JSON ----------------------------------------------------------------------------------------

export function octets(value) {
  if ("utf8" in value) return Buffer.from(value.utf8);
  if ("base64" in value) return Buffer.from(value.base64, "base64");
  const { before, unit, times, after } = value.repeat;
  return Buffer.from(before + unit.repeat(times) + after);
}

/** Strict base64url (RFC 7515 section 2): no padding, no other alphabet, no unused bits. */
export function base64url(text) {
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : refuse("token.malformed");
}

class NumberText {
  constructor(text) {
    this.text = text;
  }
}

/** JSON with numbers as text (a nonce has 64 bits), objects as maps, and no member twice (RFC 7519 section 4). */
export function parseJson(bytes) {
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  JSON.parse(text); // settles the syntax, so that splitting is safe
  const tokens = text.match(/"[^"\\]*(?:\\.[^"\\]*)*"|[^\s"{}[\]:,]+|[{}[\]:,]/gs);
  let at = 0;
  const value = () => {
    const token = tokens[at++];
    if (token === "{" || token === "[") {
      const members = new Map(),
        items = [],
        end = token === "{" ? "}" : "]";
      while (tokens[at] !== end) {
        if (tokens[at] === ",") at++;
        if (end === "}") {
          const name = JSON.parse(tokens[at]);
          if (members.has(name)) throw new SyntaxError(`member ${name} twice`);
          at += 2;
          members.set(name, value());
        } else items.push(value());
      }
      at++;
      return end === "}" ? members : items;
    }
    return /^[-\d]/.test(token) ? new NumberText(token) : JSON.parse(token);
  };
  return { value: value(), compact: tokens.join("") };
}

function object(bytes, code) {
  let parsed;
  try {
    parsed = parseJson(bytes).value;
  } catch {
    refuse(code);
  }
  return parsed instanceof Map ? parsed : refuse(code);
}

// --- What all schemes share -------------------------------------------------------------------------------------------

/** The value of a field that must stand once. Names are without case, blanks around a value are not part of it (RFC 9110 section 5). */
function field(request, name, optional = false) {
  const lines = request.fields.filter((line) => line.name.toLowerCase() === name);
  if (lines.length > 1) refuse("carrier.duplicate");
  const value =
    lines[0] &&
    octets(lines[0].value)
      .toString("latin1")
      .replace(/^[ \t]+|[ \t]+$/g, "");
  return value || (optional && lines.length === 0 ? undefined : refuse("carrier.missing"));
}

/** `Authorization: Bearer <token>`: RFC 6750 section 2.1, the auth-scheme in any case (RFC 9110 section 11.1). */
export const bearer = (request) =>
  /^bearer +([\w.~+/-]+=*)$/i.exec(field(request, "authorization"))?.[1] ?? refuse("carrier.malformed");

/** Splits a token and reads its header. Nothing in it is believed but `alg`, and that only if it is the pinned one. */
function open(token, pieces, pinned, typ) {
  if (token.length > 16384) refuse("token.too-large");
  const parts = token.split(".");
  if (parts.length !== pieces) refuse("token.malformed");
  const raw = parts.map(base64url);
  const header = object(raw[0], "token.malformed");
  for (const [name, value] of Object.entries(pinned))
    if (header.get(name) !== value) refuse("header.alg-not-allowed");
  if (header.has("zip") && pieces === 5) refuse("header.alg-not-allowed");
  if (header.has("crit")) refuse("header.crit-unsupported");
  if (typ === "required" && !header.has("typ")) refuse("header.missing");
  if (header.has("typ") && pieces === 3 && header.get("typ") !== "JWT") refuse("header.mismatch");
  return raw;
}

async function verified(token, key, alg) {
  try {
    return object(Buffer.from((await compactVerify(token, key, { algorithms: [alg] })).payload), "token.malformed");
  } catch (error) {
    throw error instanceof Refused ? error : new Refused("signature.invalid");
  }
}

/** RFC 7519 section 4.1.4: not on or after `exp`; 4.1.5: not before `nbf`; all times are numbers. */
function times(claims, now, leeway, { required = true, text = false } = {}) {
  const seconds = (name) => {
    const value = claims.get(name);
    if (value === undefined) return undefined;
    if (value instanceof NumberText) return Number(value.text);
    return text && name === "exp" && /^\d+$/.test(value) ? Number(value) : refuse("time.wrong-type");
  };
  const [exp, nbf] = [seconds("exp"), seconds("nbf"), seconds("iat")];
  if (exp === undefined && required) refuse("time.missing");
  if (now >= exp + leeway) refuse("time.expired");
  if (exp > 253402300799) refuse("time.too-far");
  if (now + leeway < nbf) refuse("time.not-yet");
}

const text = (claims, name, code = "claims") => {
  if (!claims.has(name)) refuse(`${code}.missing`);
  return typeof claims.get(name) === "string" ? claims.get(name) : refuse(`${code}.wrong-type`);
};
/** HEAD is GET without the content of the answer (RFC 9110 section 9.3.2). */
const methodOf = (request) => (request.method === "HEAD" ? "GET" : request.method);
/** The host of the request; 443 is the port of https and says nothing (RFC 9110 section 4.2.2). */
const hostOf = (request) => {
  const lines = request.fields.filter((line) => line.name.toLowerCase() === "host");
  return lines.length === 1
    ? octets(lines[0].value).toString("latin1").toLowerCase().replace(/:443$/, "")
    : refuse("access.tenant");
};
const equal = (actual, expected, code) => actual === expected || refuse(code);
const plain = (value) => Object.values(value)[0];
export const keyBytes = (value) =>
  "base64" in value ? Buffer.from(value.base64, "base64") : Buffer.from(plain(value));
export const hmac = (hash, key, ...data) =>
  data.reduce((mac, part) => mac.update(part), createHmac(hash, key)).digest();
const words = (value) => [plain(value)].flat();

/** The endpoint that a request is for, its path parameters, and what it asks for. */
export function endpointOf(world, request) {
  const [target] = request.target.split("?");
  for (const [role, endpoint] of Object.entries(world.endpoints)) {
    const names = [];
    const pattern = endpoint.path
      .replace(/[.]/g, "\\.")
      .replace(/\{(\w+)\}/g, (_, name) => (names.push(name), "([^/]+)"));
    const found = new RegExp(`^${pattern}$`).exec(target);
    if (!found || endpoint.method !== methodOf(request)) continue;
    try {
      return {
        role,
        ...endpoint,
        parameters: Object.fromEntries(names.map((name, n) => [name, decodeURIComponent(found[n + 1])])),
      };
    } catch {
      return undefined;
    }
  }
}

const must = (granted, required) => !required || words(required).every((word) => granted.includes(word));

/** A login is good if its members are the texts of one caller who may act; an answer tells no more than that. */
function login({ world, ended }, request, members, endpoint) {
  const body = object(octets(request.body), "proof.malformed");
  for (const name of Object.keys(members)) if (!body.has(name)) refuse("proof.missing");
  for (const name of Object.keys(members)) if (typeof body.get(name) !== "string") refuse("proof.malformed");
  const known = Object.entries(world.credentials).find(
    ([role, { state, values }]) =>
      state === "active" &&
      !ended.has(role) &&
      Object.entries(members).every(([name, value]) => values[value].text === body.get(name)),
  );
  if (!known) refuse("proof.mismatch");
  const surface = known[1].values.surface; // "issued to a partner account", "issued to an end-user customer"
  if (surface && !must([surface.text], endpoint.attributes?.surface)) refuse("proof.mismatch");
}

/** Callers that fit, each with its state; those that may act go first. */
function callers(server, fits) {
  const found = Object.entries(server.world.credentials).filter(([, credential]) => fits(credential.values));
  if (found.length === 0) refuse("key.unknown");
  return found
    .map(([role, credential]) => ({
      role,
      ...credential,
      state: server.ended.has(role) ? "revoked" : credential.state,
    }))
    .sort((a, b) => (b.state === "active") - (a.state === "active"));
}
const mayAct = (caller) => caller.state === "active" || refuse(`key.${caller.state}`);

// --- The schemes ------------------------------------------------------------------------------------------------------

export const SCHEMES = {
  annexcloud: {
    methods: ["GET", "POST", "PUT", "PATCH"],
    async check({ world, ...server }, request, now) {
      const token = bearer(request);
      const site = field(request, "x-annexcloud-site", true);
      const raw = open(token, 3, { alg: "HS256" }, "required");
      const unverified = object(raw[1], "token.malformed");
      if (!unverified.has("site_id")) refuse("claims.missing");
      const id = unverified.get("site_id");
      const name = id instanceof NumberText ? id.text : typeof id === "string" ? id : refuse("claims.wrong-type");
      // Around a rotation two secrets belong to one site.
      const found = callers({ world, ...server }, (values) => String(values.site_id.integer) === name);
      const good = found.map(({ values }) =>
        verified(token, keyBytes(values.secret), "HS256").catch((error) => error),
      );
      const tries = await Promise.all(good),
        n = Math.max(
          0,
          tries.findIndex((each) => each instanceof Map),
        );
      const claims =
          tries[n] instanceof Map
            ? tries[n]
            : (() => {
                throw tries[n];
              })(),
        caller = found[n];
      mayAct(caller);
      equal(text(claims, "sub"), caller.values.site_name.text, "claims.mismatch");
      if (site !== undefined) equal(site, name, "carrier.mismatch");
      times(claims, now, world.leeway, { text: true });
      equal(
        text(claims, "hmac", "binding"),
        this.values(world, request, caller.values).at(-1)?.[1].toString(),
        methodOf(request) === "GET" ? "binding.path" : "binding.body",
      );
      if (!endpointOf(world, request)) refuse("access.no-endpoint");
    },
    // "HMAC = Base64( HMAC-SHA256( Base64(payload), secret_key ) )"; for GET the identifier "as a JSON string literal"
    values(world, request, values) {
      const get = methodOf(request) === "GET";
      const id = endpointOf(world, request)?.parameters.id;
      if (get && id === undefined) refuse("binding.path");
      const payload = get ? Buffer.from(JSON.stringify(id)) : octets(request.body);
      const encoded = Buffer.from(payload.toString("base64"));
      const mac = hmac("sha256", keyBytes(values.secret), encoded);
      return [
        ...(get ? [["claims.hmac: json-string", payload]] : []),
        ["claims.hmac: base64", encoded],
        ["claims.hmac: hmac-sha-256 credential.secret", mac],
        ["claims.hmac: base64", Buffer.from(mac.toString("base64"))],
      ];
    },
    key: (world, values) => ["HS256", keyBytes(values.secret)],
  },

  hexsafe: {
    methods: ["GET", "POST"],
    async check({ world, choices, ...server }, request, now) {
      const token = bearer(request);
      const name = field(request, "x-api-key");
      const raw = open(token, 3, { alg: "RS256" });
      const [caller] = callers({ world, ...server }, (values) => values.api_key.text === name);
      mayAct(caller);
      const jwk = JSON.parse(caller.values.private_key["key-pair"].public_jwk);
      const claims = await verified(token, createPublicKey({ key: jwk, format: "jwk" }), "RS256");
      equal(text(claims, "api-key"), name, "claims.mismatch");
      times(claims, now, world.leeway);
      equal(text(claims, "uri", "binding"), request.target.split("?")[0], "binding.path");
      if (request.method === "POST") {
        const nonce = claims.get("nonce") ?? refuse("replay.missing");
        if (!(nonce instanceof NumberText && /^(0|[1-9]\d*)$/.test(nonce.text) && BigInt(nonce.text) < 2n ** 64n))
          refuse("replay.wrong-type");
        equal(
          text(claims, "digest", "binding"),
          this.values(world, request, caller.values, choices, claims).at(-1)[1].toString(),
          "binding.body",
        );
        const use = `${name} ${nonce.text}`;
        if (server.used.has(use)) refuse("replay.nonce-reused");
        server.used.add(use);
      }
      const endpoint = endpointOf(world, request) ?? refuse("access.no-endpoint");
      must(caller.values.permissions.list, endpoint.attributes?.permission) || refuse("access.permission");
    },
    // "A Base64Url encoded string of the SHA512 hash of the concatenated compact JSON body and nonce"
    values(world, request, values, choices, claims) {
      if (request.method !== "POST") return [];
      const compacted = choices["digest-body"] === "compact",
        sent = octets(request.body);
      let body = sent;
      if (compacted && sent.length > 0)
        try {
          body = Buffer.from(parseJson(sent).compact);
        } catch {
          refuse("binding.body");
        }
      const appended = Buffer.concat([body, Buffer.from(claims.get("nonce").text)]);
      const digest = createHash("sha512").update(appended).digest();
      const written = digest.toString("base64").replaceAll("+", "-").replaceAll("/", "_");
      return [
        ...(compacted ? [["claims.digest: json-compact", body]] : []),
        ["claims.digest: append {claims.nonce}", appended],
        ["claims.digest: sha-512", digest],
        ["claims.digest: base64url-padded", Buffer.from(written)],
      ];
    },
    key: (world, values) => ["RS256", values.private_key["key-pair"].private_pem],
  },

  hotwax: {
    methods: ["GET", "POST"],
    logins: { login: { USERNAME: "user_name", PASSWORD: "password" } },
    guarded: ["create-token"],
    async check({ world, choices, ...server }, request, now) {
      const token = bearer(request);
      const raw = open(token, 3, { alg: choices.algorithm });
      const unverified = object(raw[1], "token.malformed");
      const name = text(unverified, "userLoginId");
      const [caller] = callers({ world, ...server }, (values) => values.user_name.text === name);
      mayAct(caller);
      const claims = await verified(token, keyBytes(world.platforms.primary.signing_key), choices.algorithm);
      if (claims.has("purpose")) text(claims, "purpose");
      times(claims, now, world.leeway);
      const endpoint = endpointOf(world, request) ?? refuse("access.no-endpoint");
      must(caller.values.permissions.list, endpoint.attributes?.permission) || refuse("access.permission");
    },
    values: () => [],
    key: (world, values, choices) => [choices.algorithm, keyBytes(world.platforms.primary.signing_key)],
  },

  "bursagb-jwt": {
    methods: ["GET", "POST"],
    logins: {
      "generate-token": { Email: "email", Password: "password" },
      "storefront-login": { Email: "email", Password: "password" },
    },
    async check({ world, ...server }, request, now) {
      const token = bearer(request);
      const raw = open(token, 3, { alg: "HS256" });
      const name = text(object(raw[1], "token.malformed"), "CustomerID");
      const [caller] = callers({ world, ...server }, (values) => values.customer_id.text === name);
      mayAct(caller);
      const claims = await verified(token, keyBytes(world.platforms.primary.signing_key), "HS256");
      const tenant = text(claims, "Tenant"),
        surface = text(claims, "LoginType"),
        scope = claims.has("Scope") ? claims.get("Scope") : refuse("claims.missing");
      if (!Array.isArray(scope) || scope.some((word) => typeof word !== "string")) refuse("claims.wrong-type");
      times(claims, now, world.leeway);
      equal(tenant, hostOf(request), "access.tenant");
      const endpoint = endpointOf(world, request) ?? refuse("access.no-endpoint");
      must([surface], endpoint.attributes?.surface) || refuse("access.surface");
      must(scope, endpoint.attributes?.scope) || refuse("access.scope");
    },
    values: () => [],
    key: (world) => ["HS256", keyBytes(world.platforms.primary.signing_key)],
  },

  "bursagb-apikey": {
    methods: ["GET", "POST"],
    async check({ world, ...server }, request) {
      const key = field(request, "apikey");
      const [caller] = callers({ world, ...server }, (values) => values.api_key.text === key);
      mayAct(caller);
      equal(caller.values.tenant.text, hostOf(request), "access.tenant");
      const endpoint = endpointOf(world, request) ?? refuse("access.no-endpoint");
      must(caller.values.rights.list, endpoint.attributes?.right) || refuse("access.endpoint");
    },
  },

  masonhub: {
    methods: ["GET", "POST"],
    guarded: ["secrets", "delete-secrets"],
    async check({ world, choices, phrases, ...server }, request, now) {
      const token = bearer(request);
      const platform = world.platforms.primary;
      const claims = object(
        await this.unseal(token, keyBytes(platform.token_key), choices["token-format"]),
        "token.malformed",
      );
      const account = text(claims, "account");
      const phrase = text(claims, "phrase");
      const found = callers(
        { world, ...server },
        (values) => this.phrase(world, values).at(-1)[1].toString() === phrase,
      );
      mayAct(found[0]);
      equal(account, found[0].values.account.text, "claims.mismatch");
      equal(text(claims, "environment"), platform.environment.text, "claims.mismatch");
      times(claims, now, world.leeway, { required: false });
      const endpoint = endpointOf(world, request) ?? refuse("access.no-endpoint");
      equal(endpoint.parameters.account, account, "access.account");
    },
    async unseal(token, key, format) {
      if (format === "jwe") {
        const [, encryptedKey, iv, , tag] = open(token, 5, { alg: "dir", enc: "A256GCM" });
        if (encryptedKey.length !== 0 || iv.length !== 12 || tag.length !== 16) refuse("token.malformed");
        try {
          return Buffer.from((await compactDecrypt(token, key)).plaintext);
        } catch {
          refuse("token.undecryptable");
        }
      }
      if (token.length > 16384) refuse("token.too-large");
      const bytes = base64url(token);
      if (bytes.length < 28) refuse("token.malformed");
      const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, 12)).setAuthTag(bytes.subarray(-16));
      try {
        return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]);
      } catch {
        refuse("token.undecryptable");
      }
    },
    // "Tokens are not stored in databases but matched at runtime"
    phrase(world, values) {
      const account = Buffer.from(JSON.stringify(values.account.text));
      const appended = Buffer.concat([account, Buffer.from(values.secret_phrase.text)]);
      const mac = hmac("sha256", keyBytes(world.platforms.primary.token_key), appended);
      return [
        ["claims.phrase: json-string", account],
        ["claims.phrase: append {credential.secret_phrase}", appended],
        ["claims.phrase: hmac-sha-256 platform.token_key", mac],
        ["claims.phrase: base64url", Buffer.from(mac.toString("base64url"))],
      ];
    },
    values(world, request, values) {
      return this.phrase(world, values);
    },
  },

  "masonhub-callback": {
    methods: ["POST"],
    unjudged: ["callback"],
    async check({ world, ...server }, request) {
      const body = object(octets(request.body), "carrier.malformed");
      const token = body.get("token") || refuse("carrier.missing");
      if (typeof token !== "string") refuse("carrier.malformed");
      const [caller] = callers({ world, ...server }, (values) => values.token.text === token);
      mayAct(caller);
      equal(
        body.get("message_type") ?? refuse("carrier.missing"),
        caller.values.message_type.text,
        "carrier.mismatch",
      );
      if (!endpointOf(world, request)) refuse("access.no-endpoint");
    },
  },
};

/** What our verifier says to a request: nothing (let in), a reason code, or no opinion. */
export async function judge(scheme, server, request, clock) {
  try {
    if (!request.secure) refuse("transport.https-required");
    if (!scheme.methods.includes(methodOf(request))) refuse("binding.method");
    const endpoint = endpointOf(server.world, request),
      role = endpoint?.role;
    if (scheme.unjudged?.includes(role)) return NO_OPINION;
    if (scheme.logins?.[role]) return login(server, request, scheme.logins[role], endpoint);
    await scheme.check(server, request, clock);
    return scheme.guarded?.includes(role) ? NO_OPINION : undefined;
  } catch (error) {
    if (error instanceof Refused) return error.message;
    throw error;
  }
}
