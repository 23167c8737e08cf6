import { expect, test } from "vitest";
import { policy, styleHashes } from "../content-security-policy.ts";

test("a style element is allowed by the SHA-256 of its text", () => {
  // printf 'p{}' | openssl dgst -sha256 -binary | base64
  expect(styleHashes("<style>p{}</style><p></p>")).toEqual(["'sha256-gG2yISYereRMiG2lMXrbiUgi0Ubw9p7QCeWcroOvy9Y='"]);
});

test("equal styles are named once", () => {
  expect(policy(["'sha256-a'", "'sha256-a'"])).toContain("style-src 'self' 'sha256-a';");
});

test("nothing inline and nothing from elsewhere is allowed", () => {
  expect(policy([])).not.toMatch(/unsafe|https?:|\*/);
});
