import type { Membership, Plan, Subscription } from "./api/plans.ts";
import { isRunning } from "./entitlement.ts";

/** What one may do about a plan. */
export type Deed = "subscribe" | "pay" | "change" | "none";

/** What a person who has this may do about a plan: one plan at a time is theirs. */
export function deedOf(plan: Plan, { subscription, checkout_url }: Membership): Deed {
  const isTheirs = subscription?.plan.plan_id === plan.plan_id;
  if (isTheirs && checkout_url) return "pay";
  if (isRunning(subscription)) return isTheirs ? "none" : "change";
  return "subscribe";
}

/** Whether a plan is marked as the person's own. */
export function isOwn(plan: Plan, subscription: Subscription | undefined): boolean {
  return isRunning(subscription) && subscription.plan.plan_id === plan.plan_id;
}

/** The plans on offer, and the person's own first if it is not among them any more. */
export function cardsOf(plans: Plan[], subscription: Subscription | undefined): Plan[] {
  if (!isRunning(subscription) || plans.some((plan) => isOwn(plan, subscription))) return plans;
  return [subscription.plan, ...plans];
}

/** What the button of a plan says; `mayTry` is whether its first days are free. */
export function deedName(deed: Deed, plan: Plan, mayTry: boolean): string {
  const { trial_days: days = 0, name } = plan;
  if (deed === "change") return `Change to ${name}`;
  if (deed === "pay") return "Go to the payment";
  return days > 0 && mayTry ? `Try ${name} for free` : `Subscribe to ${name}`;
}
