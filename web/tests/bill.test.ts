import { expect, test } from "vitest";
import type { Title } from "../src/api/titles.ts";
import { type Bill, isPart, isShown } from "../src/bill.ts";

function titleOf(title_id: string, parent_id = ""): Title {
  return { title_id, parent_id, name: title_id, state: "TITLE_STATE_PUBLISHED" };
}

const SERIES: Bill = {
  title: titleOf("series"),
  ancestors: [],
  seasons: [{ episodes: [titleOf("pilot", "series")] }, { season: titleOf("season", "series"), episodes: [] }],
  begun: new Map(),
  publisher: false,
  similar: [],
};

test.each(["series", "season"])("what belongs to the %s is a part of the series", (parent) => {
  expect(isPart(titleOf("new", parent), SERIES)).toBe(true);
});

test.each(["", "pilot", "another"])("what belongs to '%s' is none", (parent) => {
  expect(isPart(titleOf("new", parent), SERIES)).toBe(false);
});

test("a page shows its title, and what stands above, below and beside it", () => {
  const bill = { ...SERIES, ancestors: [titleOf("above")], similar: [titleOf("beside")] };
  const shown = ["series", "above", "pilot", "season", "beside", "another"].filter((id) => isShown(id, bill));
  expect(shown).toEqual(["series", "above", "pilot", "season", "beside"]);
});
