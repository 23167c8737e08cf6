import { expect, test } from "vitest";
import type { Membership, Plan, Subscription } from "../src/api/plans.ts";
import type { Title } from "../src/api/titles.ts";
import { day } from "../src/dates.ts";
import { benefits, inheriting, isTooMany, missingPlan, standing } from "../src/entitlement.ts";
import { cardsOf, deedName, deedOf } from "../src/offer.ts";

const BASIC: Plan = { plan_id: "basic", name: "Basic", level: 1 };
const FAMILY: Plan = { plan_id: "family", name: "Family", level: 2 };
const KIDS: Plan = { plan_id: "kids", name: "Kids", level: 2, tags: ["kids"] };
const PLANS = [BASIC, FAMILY, KIDS];

function having(plan: Plan, state: "PENDING" | "TRIAL" | "ACTIVE" | "GRACE" | "ENDED" = "ACTIVE"): Subscription {
  return { subscription_id: "s", plan, state: `SUBSCRIPTION_STATE_${state}`, period_ends_at: "2026-12-27T12:00:00Z" };
}

function film(plan_id: string, tags: string[] = []): Title {
  return { title_id: "t", name: "Film", state: "TITLE_STATE_PUBLISHED", plan_id, tags };
}

test.each<[string, Title, Subscription | undefined, Plan | undefined]>([
  ["a free film, without a plan", film(""), undefined, undefined],
  ["a film of a plan, without one", film("basic"), undefined, BASIC],
  ["a film of the own plan", film("basic"), having(BASIC), undefined],
  ["a film of a lower plan", film("basic"), having(FAMILY, "GRACE"), undefined],
  ["a film of a higher plan", film("family"), having(BASIC), FAMILY],
  ["a film of a plan that ended", film("basic"), having(BASIC, "ENDED"), BASIC],
  ["a film of a plan that is not paid yet", film("basic"), having(BASIC, "PENDING"), BASIC],
  ["a film without the tag of the own plan", film("basic"), having(KIDS), BASIC],
  ["a film with the tag of the own plan", film("basic", ["kids"]), having(KIDS), undefined],
  ["a film with that tag in other letters", film("basic", ["Kids"]), having(KIDS), undefined],
  ["a film of a plan that is off the offer, without one", film("gone"), undefined, { plan_id: "gone", name: "" }],
  ["a film of a plan that is off the offer, with another: the server judges", film("gone"), having(BASIC), undefined],
])("%s", (_, title, subscription, missing) => {
  expect(missingPlan(title, PLANS, subscription)).toEqual(missing);
});

test("an episode needs the plan of its season or its series, and has their tags", () => {
  const [series, season, episode] = [film("family", ["kids"]), film(""), film("", ["new"])];
  expect(inheriting(episode, [series, season])).toMatchObject({ plan_id: "family", tags: ["new", "kids"] });
  expect(inheriting(film("basic"), [series, season]).plan_id).toBe("basic");
});

test("a plan says in words what it gives", () => {
  expect(benefits({ ...BASIC, max_streams: 1, max_height: 1080, max_devices: 2, trial_days: 14 })).toEqual([
    "Full HD",
    "One screen at a time",
    "2 devices",
    "14 days free at first",
  ]);
  expect(benefits(KIDS)).toEqual([
    "The best quality there is",
    "Any number of screens at a time",
    "Any number of devices",
    "For titles of: kids",
  ]);
});

test("a subscription says where it stands, and until when", () => {
  const end = day("2026-12-27T12:00:00Z");
  expect(standing(having(BASIC))).toBe(`You have Basic. The period that is paid ends on ${end}.`);
  expect(standing({ ...having(BASIC), cancelled: true })).toBe(`Basic is cancelled, and yours until ${end}.`);
  expect(standing({ ...having(BASIC, "GRACE"), cancelled: true })).toBe(`Basic is cancelled, and yours until ${end}.`);
  expect(standing(having(BASIC, "TRIAL"))).toBe(`You try Basic for free until ${end}.`);
  expect(standing(having(BASIC, "ENDED"))).toBe("Your subscription to Basic has ended.");
});

const CHECKOUT = "https://pay.example/family";

test.each<[Membership, string[]]>([
  [{}, ["subscribe", "subscribe", "subscribe"]],
  [{ subscription: having(FAMILY) }, ["change", "none", "change"]],
  [{ subscription: having(FAMILY, "PENDING"), checkout_url: CHECKOUT }, ["subscribe", "pay", "subscribe"]],
  [{ subscription: having(FAMILY, "TRIAL"), checkout_url: CHECKOUT }, ["change", "pay", "change"]],
  [{ subscription: having(FAMILY, "PENDING") }, ["subscribe", "subscribe", "subscribe"]],
  [{ subscription: having(FAMILY, "ENDED") }, ["subscribe", "subscribe", "subscribe"]],
])("whoever has %o may do so much about each plan", (membership, deeds) => {
  expect(PLANS.map((plan) => deedOf(plan, membership))).toEqual(deeds);
});

test("free days are offered to who may still have them", () => {
  const plan = { ...BASIC, trial_days: 7 };
  expect(deedName("subscribe", plan, true)).toBe("Try Basic for free");
  expect(deedName("subscribe", plan, false)).toBe("Subscribe to Basic");
  expect(deedName("subscribe", BASIC, true)).toBe("Subscribe to Basic");
});

test("a plan that is off the offer still stands among the plans of who has it", () => {
  const old: Plan = { plan_id: "old", name: "Old" };
  expect(cardsOf(PLANS, having(old))[0]).toBe(old);
  expect(cardsOf(PLANS, having(old, "ENDED"))).toEqual(PLANS);
});

test.each([
  ["a new device, where there is room", "new", 3, false],
  ["a new device, where there is none", "new", 2, true],
  ["a known device, where there is no room for another", "tv", 2, false],
  ["a new device, where any number may be", "new", 0, false],
])("%s", (_, deviceId, most, expected) => {
  const known = ["tv", "phone"].map((device_id) => ({ device_id, name: device_id }));
  expect(isTooMany(deviceId, known, most)).toBe(expected);
});
