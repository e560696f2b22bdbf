// Verifies the same HS256 tokens with jsonwebtoken, fast-jwt and jose: microseconds for each, median of rounds in turns.
// Called by `benches/other/run`, with the tokens on standard input. fast-jwt can answer a token that it has seen from a
// cache: that is another row. Times are not checked: they are the published clock's.
import { readFileSync } from "node:fs";
import { createVerifier } from "fast-jwt";
import { compactVerify } from "jose";
import jsonwebtoken from "jsonwebtoken";

const { secret, tokens } = JSON.parse(readFileSync(0, "utf8"));
const version = (name) =>
  JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url), "utf8")).version;
const fast = createVerifier({ key: secret, algorithms: ["HS256"], ignoreExpiration: true, cache: false });
const cached = createVerifier({ key: secret, algorithms: ["HS256"], ignoreExpiration: true, cache: tokens.length });
const key = new TextEncoder().encode(secret);
const text = new TextDecoder();

const subjects = {
  [`node jsonwebtoken ${version("jsonwebtoken")}`]: (token) =>
    jsonwebtoken.verify(token, secret, { algorithms: ["HS256"], ignoreExpiration: true }).exp,
  [`fast-jwt ${version("fast-jwt")}, uncached`]: (token) => fast(token).exp,
  [`fast-jwt ${version("fast-jwt")}, each token seen before`]: (token) => cached(token).exp,
  [`jose ${version("jose")}`]: async (token) =>
    JSON.parse(text.decode((await compactVerify(token, key, { algorithms: ["HS256"] })).payload)).exp,
};
const rounds = Object.fromEntries(Object.keys(subjects).map((name) => [name, []]));
for (let round = 0; round < 15; round++) {
  for (const [name, verify] of Object.entries(subjects)) {
    const start = process.cpuUsage();
    for (const token of tokens) {
      const exp = verify(token);
      if (!((exp instanceof Promise ? await exp : exp) > 0)) throw new Error(`${name} refuses`);
    }
    const { user, system } = process.cpuUsage(start);
    rounds[name].push((user + system) / tokens.length);
  }
}
for (const [name, times] of Object.entries(rounds)) {
  times.sort((a, b) => a - b);
  console.log(`| ${name} | ${times[7].toFixed(1)} µs |`);
}
