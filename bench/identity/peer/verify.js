// How long jose takes to check one access token: median and 99th percentile in microseconds. Standard input
// has the token, the issuer's key set, issuer and audience.
import { createLocalJWKSet, jwtVerify } from "jose";

let given = "";
for await (const part of process.stdin) given += part;
const { token, jwks, issuer, audience, times } = JSON.parse(given);
const keys = createLocalJWKSet(jwks);
const taken = [];
for (let number = -500; number < times; number++) {
  const began = process.hrtime.bigint();
  await jwtVerify(token, keys, { issuer, audience, typ: "at+jwt", algorithms: ["ES256"] });
  if (number >= 0) taken.push(Number(process.hrtime.bigint() - began) / 1000);
}
taken.sort((a, b) => a - b);
console.log(JSON.stringify({ p50: taken[times >> 1], p99: taken[Math.floor(times * 0.99)] }));
