import { expect, test } from "vitest";
import type { Title, TitlePage } from "../src/api/titles.ts";
import { Listing } from "../src/listing.ts";

function titleOf(name: string): Title {
  return { title_id: name, name, state: "TITLE_STATE_PUBLISHED" };
}

/** A list on a server: pages of these names, each with the token of the next one. */
function listing(...pages: string[]): Listing {
  return new Listing((token): Promise<TitlePage> => {
    const number = Number(token);
    const titles = (pages[number] ?? "").split("").map(titleOf);
    return Promise.resolve({ titles, next_page_token: number + 1 < pages.length ? String(number + 1) : "" });
  });
}

function names({ titles }: Listing): string {
  return titles.map(({ name }) => name).join("");
}

test("a list is shown page by page, until its end", async () => {
  const list = listing("abc", "de");
  await list.load();
  expect([names(list), list.goesOn]).toEqual(["abc", true]);
  await list.more();
  expect([names(list), list.goesOn]).toEqual(["abcde", false]);
});

test("an empty page is no end: what is wanted may be on the next one", async () => {
  const list = listing("", "a", "", "", "b");
  await list.load();
  expect([names(list), list.goesOn]).toEqual(["a", true]);
  await list.more();
  expect([names(list), list.goesOn]).toEqual(["ab", false]);
});

test("an empty list has been looked at in full", async () => {
  const list = listing("", "");
  await list.load();
  expect([names(list), list.goesOn]).toEqual(["", false]);
});

test("a list that is fetched anew is as long as it was shown", async () => {
  const list = listing("ab", "cd", "ef");
  await list.load();
  await list.more();
  await list.load();
  expect([names(list), list.goesOn]).toEqual(["abcd", true]);
});

test("a title that is new comes first, and one that is new in some respect stays where it is", async () => {
  const list = listing("ab");
  await list.load();
  list.welcome(titleOf("c"));
  list.welcome({ ...titleOf("a"), year: 1942 });
  expect(names(list)).toBe("cab");
  expect(list.titles[1]?.year).toBe(1942);
});

test("a title that is shown no more leaves the list, which goes on where it did", async () => {
  const list = listing("abc", "de");
  await list.load();
  list.dismiss(["b", "x"]);
  expect([names(list), list.goesOn]).toEqual(["ac", true]);
  await list.more();
  expect(names(list)).toEqual("acde");
});

test("a title that comes or goes while more is fetched has come or gone", async () => {
  const list = listing("abc", "de");
  await list.load();
  const fetching = list.more();
  list.dismiss(["b"]);
  list.welcome(titleOf("x"));
  await fetching;
  expect(names(list)).toEqual("xacde");
});

test("whoever asks for more twice at once gets it once", async () => {
  const list = listing("ab", "cd", "ef");
  await list.load();
  await Promise.all([list.more(), list.more()]);
  expect(names(list)).toEqual("abcd");
});
