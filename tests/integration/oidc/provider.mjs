// A certified OpenID provider: `node provider.mjs REDIRECT_URI [HOST PORT ISSUER SECRET]` prints its issuer once it
// listens: on a free port of loopback, or where it is told and a proxy passes on what comes for its issuer.
// Whoever signs in is named by the address that they type; addresses at unverified.example are not verified.
// SIGHUP has it sign with another key from then on, and forget the one before; it says so by the name of the key.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const [redirectUri, host = "127.0.0.1", port = 0, known, secret = "the secret of matinee: 100 % & more"] =
  process.argv.slice(2);
const server = createServer();
await new Promise((ready) => server.listen(Number(port), host, ready));
const issuer = known ?? `http://${host}:${server.address().port}`;
const client = { redirect_uris: [redirectUri], application_type: known ? "web" : "native" };
let keys = 0;

function provider() {
  keys += 1;
  const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
  const provider = new Provider(issuer, {
    clients: [
      { ...client, client_id: "matinee", client_secret: secret },
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
  });
  provider.proxy = Boolean(known);
  return provider.callback();
}

let answer = provider();
server.on("request", (request, response) => answer(request, response));
process.on("SIGHUP", () => {
  answer = provider();
  console.log(`key-${keys}`);
});
console.log(issuer);
