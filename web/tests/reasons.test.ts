import { expect, test } from "vitest";
import type { Recommendation } from "../src/api/history.ts";
import { rowsOf } from "../src/reasons.ts";

function liked(name: string, because = ""): Recommendation {
  const title = { title_id: name, name, state: "TITLE_STATE_PUBLISHED" } as const;
  return because ? { title, because_title_id: because, because_name: because } : { title };
}

function shown(...recommendations: Recommendation[]): [string, string[]][] {
  return rowsOf(recommendations).map(({ heading, titles }) => [heading, titles.map(({ name }) => name)]);
}

test("recommendations of one reason stand together, the best first", () => {
  expect(shown(liked("a", "Solaris"), liked("b", "Alien"), liked("c", "Solaris"), liked("d", "Alien"))).toEqual([
    ["Because you watched Solaris", ["a", "c"]],
    ["Because you watched Alien", ["b", "d"]],
  ]);
});

test("what is simply popular says so", () => {
  expect(shown(liked("a"), liked("b"))).toEqual([["Popular", ["a", "b"]]]);
});

test("reasons for a single title each go together at the end", () => {
  expect(shown(liked("a", "X"), liked("b", "Y"), liked("c", "Z"), liked("d", "Y"))).toEqual([
    ["Because you watched Y", ["b", "d"]],
    ["You may like", ["a", "c"]],
  ]);
});

test("nothing recommended is no row", () => {
  expect(shown()).toEqual([]);
});
