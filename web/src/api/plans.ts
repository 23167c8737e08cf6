import { call } from "./calls.ts";

export interface Plan {
  plan_id: string;
  name: string;
  description?: string;
  price_label?: string;
  /** Plans of a higher level allow what lower ones do. */
  level?: number;
  /** Of all these, 0 or none means: as much as they like. */
  max_streams?: number;
  max_height?: number;
  max_devices?: number;
  trial_days?: number;
  /** Only titles with one of these tags; none: all. */
  tags?: string[];
}

export interface Subscription {
  subscription_id: string;
  plan: Plan;
  state:
    | "SUBSCRIPTION_STATE_PENDING"
    | "SUBSCRIPTION_STATE_TRIAL"
    | "SUBSCRIPTION_STATE_ACTIVE"
    | "SUBSCRIPTION_STATE_GRACE"
    | "SUBSCRIPTION_STATE_ENDED";
  period_ends_at?: string;
  /** Ends with the period. */
  cancelled?: boolean;
}

/** The plans on offer, the cheapest first. */
export async function listPlans(): Promise<Plan[]> {
  return (await call<{ plans?: Plan[] }>("/plans")).plans ?? [];
}

/** What the caller has. */
export interface Membership {
  subscription?: Subscription;
  /** What it allows, or what is free; of devices 0 or none means: as many as they like. */
  entitlement?: { max_devices?: number };
  /** Where to pay, while a payment is waited for. */
  checkout_url?: string;
  /** Whether a plan with free days begins with them. */
  may_try?: boolean;
}

export function getMembership(): Promise<Membership> {
  return call("/subscription");
}

/** Subscribes; the answer says where to pay, when that is to be done elsewhere. */
export async function subscribe(planId: string): Promise<string> {
  return (await call<{ checkout_url?: string }>("/subscription", "POST", { plan_id: planId })).checkout_url ?? "";
}

/** Changes to another plan; the answer says where to pay, when it begins only with that. */
export async function changePlan(planId: string): Promise<string> {
  const { subscription, checkout_url } = await call<Membership>("/subscription:change", "POST", { plan_id: planId });
  return subscription?.plan.plan_id === planId ? "" : (checkout_url ?? "");
}

/** Cancels at the end of the paid period, or now. */
export function cancelSubscription(now: boolean): Promise<unknown> {
  return call("/subscription:cancel", "POST", { now });
}

/** Takes a cancellation back. */
export function resumeSubscription(): Promise<unknown> {
  return call("/subscription:resume", "POST", {});
}
