// A certified OpenID provider on loopback: `node provider.mjs REDIRECT_URI` prints its issuer once it listens.
// Whoever signs in is named by the address that they type; addresses at unverified.example are not verified.
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const server = createServer();
await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "matinee",
      client_secret: "the secret of matinee: 100 % & more",
      redirect_uris: [process.argv[2]],
      application_type: "native",
    },
  ],
  claims: { openid: ["sub"], email: ["email", "email_verified"] },
  features: { devInteractions: { enabled: true } },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: id, email_verified: !id.endsWith("@unverified.example") }),
  }),
  pkce: { required: () => true },
});

server.on("request", provider.callback());
console.log(issuer);
