import { afterEach, expect, test, vi } from "vitest";
import * as history from "../src/api/history.ts";
import type { Title } from "../src/api/titles.ts";
import { Programme } from "../src/programme.ts";

function titleOf(title_id: string): Title {
  return { title_id, name: title_id, state: "TITLE_STATE_PUBLISHED" };
}

/** What is shown to a person: a film, one to go on with, and one that is recommended because of another. */
function programme(): Programme {
  const made = new Programme();
  made.films.welcome(titleOf("film"));
  made.unfinished = [{ title: titleOf("begun") }];
  made.recommendations = [{ title: titleOf("liked"), because_title_id: "seen" }];
  return made;
}

afterEach(() => {
  vi.restoreAllMocks();
});

test.each(["begun", "liked", "seen"])(
  "what is for a person is asked for anew when the one that is %s is gone",
  async (gone) => {
    vi.spyOn(history, "listUnfinished").mockResolvedValue([]);
    vi.spyOn(history, "listRecommendations").mockResolvedValue([]);
    const shown = programme();
    await shown.dismiss([gone]);
    expect([shown.unfinished, shown.recommendations]).toEqual([[], []]);
  },
);

test("what is gone from the lists alone is asked for by nobody", async () => {
  const asked = vi.spyOn(history, "listUnfinished");
  const shown = programme();
  await shown.dismiss(["film"]);
  expect(shown.films.titles).toEqual([]);
  expect(asked).not.toHaveBeenCalled();
});
