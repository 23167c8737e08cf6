import { expect, test } from "vitest";
import { landing, routeOf, signInPath, titlePath, watchPath } from "../src/routes.ts";

const SITE = "https://films.example";

test.each([
  ["/", { page: "home" }],
  ["/plans", { page: "plans" }],
  ["/sign-in/callback", { page: "callback" }],
  ["/title/t1", { page: "title", titleId: "t1" }],
  ["/constructor", { page: "missing" }],
  ["/sign-in", { page: "sign-in" }],
  ["/watch/t1", { page: "watch", titleId: "t1" }],
  ["/watch/t1/", { page: "watch", titleId: "t1" }],
  ["/watch/a%20b", { page: "watch", titleId: "a b" }],
  ["/watch", { page: "missing" }],
  ["/watch/t1/more", { page: "missing" }],
  ["/watch/%E0%A4%A", { page: "missing" }],
  ["/elsewhere", { page: "missing" }],
])("the path %s is a route", (path, route) => {
  expect(routeOf(path)).toEqual(route);
});

test("a title's paths lead back to the title", () => {
  expect(routeOf(titlePath("a/b c"))).toEqual({ page: "title", titleId: "a/b c" });
  const { pathname, search } = new URL(watchPath("a/b c", 0), SITE);
  expect(routeOf(pathname)).toEqual({ page: "watch", titleId: "a/b c" });
  expect(search).toBe("?from=0");
});

test("the sign-in page remembers where the person came from", () => {
  expect(signInPath("/watch/t1")).toBe("/sign-in?next=%2Fwatch%2Ft1");
  expect(signInPath("/")).toBe("/sign-in");
});

test.each(["/", "/watch/t1", "/watch/t1?at=5#end"])("signing in lands on %s", (next) => {
  expect(landing(next, SITE)).toBe(SITE + next);
});

test.each([
  "",
  "watch/t1",
  "https://evil.example/",
  "//evil.example/",
  "/\\evil.example/",
  "/\t/evil.example/",
  "\\\\evil.example",
  "javascript:alert(1)",
  "//",
  "/\\",
  "//[",
])("signing in never leaves this site for %j", (next) => {
  expect(landing(next, SITE)).toBe(`${SITE}/`);
});

test("a path that looks like another site once its dots are gone stays on this one", () => {
  expect(landing("/.//evil.example/", SITE)).toBe(`${SITE}//evil.example/`);
});
