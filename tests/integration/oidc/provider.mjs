// A certified OpenID provider on loopback: `node provider.mjs REDIRECT_URI` prints its issuer once it listens.
// Whoever signs in is named by the address that they type; addresses at unverified.example are not verified.
// SIGHUP has it sign with another key from then on, and forget the one before; it says so by the name of the key.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const server = createServer();
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const issuer = `http://127.0.0.1:${server.address().port}`;
const client = { redirect_uris: [process.argv[2]], application_type: "native" };
let keys = 0;

function provider() {
  keys += 1;
  const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
  return new Provider(issuer, {
    clients: [
      { ...client, client_id: "matinee", client_secret: "the secret of matinee: 100 % & more" },
      { ...client, client_id: "another", client_secret: "the secret of another" },
    ],
    claims: { openid: ["sub"], email: ["email", "email_verified"] },
    features: { devInteractions: { enabled: true } },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: id, email_verified: !id.endsWith("@unverified.example") }),
    }),
    jwks: { keys: [{ ...key, use: "sig", alg: "RS256", kid: `key-${keys}` }] },
    pkce: { required: () => true },
  }).callback();
}

let answer = provider();
server.on("request", (request, response) => answer(request, response));
process.on("SIGHUP", () => {
  answer = provider();
  console.log(`key-${keys}`);
});
console.log(issuer);
