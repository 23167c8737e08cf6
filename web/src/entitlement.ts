import type { Device } from "./api/playback.ts";
import type { Plan, Subscription } from "./api/plans.ts";
import type { Title } from "./api/titles.ts";
import { day } from "./dates.ts";

/** Whether a subscription allows anything now. */
export function isRunning(subscription: Subscription | undefined): subscription is Subscription {
  return ["TRIAL", "ACTIVE", "GRACE"].some((state) => subscription?.state === `SUBSCRIPTION_STATE_${state}`);
}

/** A title with the plan and the tags that it has of what it belongs to, the nearest last. */
export function inheriting(title: Title, ancestors: Title[]): Title {
  const line = [title, ...ancestors.toReversed()];
  const plan_id = line.find((each) => each.plan_id)?.plan_id ?? "";
  return { ...title, plan_id, tags: line.flatMap(({ tags = [] }) => tags) };
}

/**
 * The plan that a title needs and the viewer does not have; undefined when it may be watched, as far as a page can
 * know: the server decides. Of a plan that is off the offer a page knows no name, nor what is above it.
 */
export function missingPlan(title: Title, plans: Plan[], subscription: Subscription | undefined): Plan | undefined {
  if (!title.plan_id) return undefined;
  const needed = plans.find((plan) => plan.plan_id === title.plan_id);
  if (!isRunning(subscription)) return needed ?? { plan_id: title.plan_id, name: "" };
  return needed && !covers(subscription.plan, needed, title) ? needed : undefined;
}

function covers(own: Plan, needed: Plan, { tags = [] }: Title): boolean {
  const known = new Set(tags.map((tag) => tag.toLowerCase()));
  const isOfItsKind = !own.tags?.length || own.tags.some((tag) => known.has(tag.toLowerCase()));
  return (own.level ?? 0) >= (needed.level ?? 0) && isOfItsKind;
}

/** Whether a device would be one too many; `most` is 0 for as many as they like. */
export function isTooMany(deviceId: string, known: Device[], most: number): boolean {
  return most > 0 && known.length >= most && known.every((device) => device.device_id !== deviceId);
}

/** What people call the tallest picture of so many lines. */
function quality(lines: number): string {
  if (lines >= 2160) return "4K Ultra HD";
  if (lines >= 1080) return "Full HD";
  return lines >= 720 ? "HD" : `Standard quality (${lines}p)`;
}

/** What a plan gives, a line each. */
export function benefits(plan: Plan): string[] {
  const { max_streams = 0, max_height = 0, max_devices = 0, tags = [], trial_days = 0 } = plan;
  const screens = max_streams === 1 ? "One screen at a time" : `${max_streams || "Any number of"} screens at a time`;
  const devices = max_devices === 1 ? "One device" : `${max_devices || "Any number of"} devices`;
  return [
    max_height ? quality(max_height) : "The best quality there is",
    screens,
    devices,
    ...(tags.length > 0 ? [`For titles of: ${tags.join(", ")}`] : []),
    ...(trial_days > 0 ? [`${trial_days} ${trial_days === 1 ? "day" : "days"} free at first`] : []),
  ];
}

/** Where a subscription stands, in a sentence. */
export function standing({ plan, state, cancelled, period_ends_at }: Subscription): string {
  const end = period_ends_at ? day(period_ends_at) : "further notice";
  const cancellation = `${plan.name} is cancelled, and yours until ${end}.`;
  switch (state) {
    case "SUBSCRIPTION_STATE_PENDING":
      return `${plan.name} begins as soon as the payment has arrived.`;
    case "SUBSCRIPTION_STATE_TRIAL":
      return cancelled
        ? `Your free time with ${plan.name} ends on ${end}.`
        : `You try ${plan.name} for free until ${end}.`;
    case "SUBSCRIPTION_STATE_ACTIVE":
      return cancelled ? cancellation : `You have ${plan.name}. The period that is paid ends on ${end}.`;
    case "SUBSCRIPTION_STATE_GRACE":
      return cancelled
        ? cancellation
        : `The last payment for ${plan.name} did not arrive. All goes on until ${end}: please look into it.`;
    case "SUBSCRIPTION_STATE_ENDED":
      return `Your subscription to ${plan.name} has ended.`;
  }
}
