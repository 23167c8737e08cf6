import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { complete, goTo, returnOf } from "../src/providers.ts";

const fetch = vi.fn<typeof globalThis.fetch>();
const assign = vi.fn<(address: string) => void>();

/** What a tab keeps. */
class Storage {
  readonly #kept = new Map<string, string>();
  getItem = (key: string) => this.#kept.get(key) ?? null;
  setItem = (key: string, value: string) => this.#kept.set(key, value);
  removeItem = (key: string) => this.#kept.delete(key);
}

function begins(authorization_url: string): void {
  fetch.mockResolvedValueOnce(Response.json({ authorization_url, state: "s1" }));
}

beforeEach(() => {
  vi.stubGlobal("fetch", fetch);
  vi.stubGlobal("location", { assign });
  vi.stubGlobal("sessionStorage", new Storage());
});

afterEach(() => {
  fetch.mockReset();
  assign.mockReset();
  vi.unstubAllGlobals();
});

test("what a provider sends back is read of the address", () => {
  expect(returnOf("?code=c%2F1&state=s1&iss=https%3A%2F%2Fid.example")).toEqual({
    code: "c/1",
    state: "s1",
    iss: "https://id.example",
    error: "",
  });
});

test("a sign-in goes to the provider, and comes back to the page that was wanted", async () => {
  begins("https://id.example/auth?state=s1");
  await goTo("example", "/watch/t1");
  expect(assign).toHaveBeenCalledWith("https://id.example/auth?state=s1");
  fetch.mockResolvedValueOnce(Response.json({ expires_in: 900 }));
  expect(await complete(returnOf("?code=c&state=s1"))).toEqual({ next: "/watch/t1" });
});

test("an answer to what this tab did not begin signs nobody in", async () => {
  begins("https://id.example/auth");
  await goTo("example", "/");
  fetch.mockReset();
  expect(await complete(returnOf("?code=c&state=forged"))).toBe("strange");
  expect(fetch).not.toHaveBeenCalled();
});

test("an answer is good once", async () => {
  begins("https://id.example/auth");
  await goTo("example", "/");
  fetch.mockResolvedValueOnce(Response.json({}));
  await complete(returnOf("?code=c&state=s1"));
  expect(await complete(returnOf("?code=c&state=s1"))).toBe("strange");
});

test("who thinks better of it at the provider is not signed in", async () => {
  begins("https://id.example/auth");
  await goTo("example", "/");
  expect(await complete(returnOf("?error=access_denied&state=s1"))).toBe("declined");
});

test("nothing but a web address is gone to", async () => {
  begins("javascript:alert(1)");
  await expect(goTo("example", "/")).rejects.toThrow("no web address");
  expect(assign).not.toHaveBeenCalled();
});
