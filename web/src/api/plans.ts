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

/** The caller's subscription; undefined without one. */
export async function getSubscription(): Promise<Subscription | undefined> {
  return (await call<{ subscription?: Subscription }>("/subscription")).subscription;
}

/** How many devices the caller may have; 0: as many as they like. */
export async function mostDevices(): Promise<number> {
  return (await call<{ entitlement?: { max_devices?: number } }>("/subscription")).entitlement?.max_devices ?? 0;
}

/** Subscribes; the answer says where to pay, when that is to be done elsewhere. */
export async function subscribe(planId: string): Promise<string> {
  return (await call<{ checkout_url?: string }>("/subscription", "POST", { plan_id: planId })).checkout_url ?? "";
}

export function changePlan(planId: string): Promise<unknown> {
  return call("/subscription:change", "POST", { plan_id: planId });
}

/** Cancels at the end of the paid period, or now. */
export function cancelSubscription(now: boolean): Promise<unknown> {
  return call("/subscription:cancel", "POST", { now });
}

/** Takes a cancellation back. */
export function resumeSubscription(): Promise<unknown> {
  return call("/subscription:resume", "POST", {});
}
