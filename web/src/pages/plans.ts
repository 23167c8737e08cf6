import { html, nothing, render, type TemplateResult } from "lit-html";
import { getAccount, mayPublish } from "../api/accounts.ts";
import * as api from "../api/plans.ts";
import { ApiError } from "../api/calls.ts";
import { apologise, askToSignIn, faultIn, reasonIn } from "../apology.ts";
import { day } from "../dates.ts";
import { benefits, isRunning, standing } from "../entitlement.ts";
import { entitle, frame, waysIn } from "../frame.ts";
import { listen } from "../news.ts";
import { cardsOf, type Deed, deedName, deedOf, isOwn } from "../offer.ts";
import { leaveFor } from "../providers.ts";
import { consentTo, type Question } from "../question.ts";
import { signInPath } from "../routes.ts";

type Plan = api.Plan;
type Subscription = api.Subscription;

const PATH = "/plans";

/** What is known, and what went wrong last. */
interface State {
  plans: Plan[];
  /** Undefined for who has not signed in. */
  membership: api.Membership | undefined;
  /** Whether the person needs no plan. */
  publisher: boolean;
  failure: string;
  busy: boolean;
}

/** What a person does on this page. */
interface Deeds {
  take: (plan: Plan, deed: Deed) => unknown;
  cancel: (subscription: Subscription, now: boolean) => unknown;
  drop: () => unknown;
  resume: () => unknown;
}

function changeTo(plan: Plan, subscription: Subscription | undefined): Question {
  const begin =
    subscription?.state === "SUBSCRIPTION_STATE_TRIAL"
      ? "The free days that you have had count. Where it leaves you none, it begins with its payment."
      : "It holds at once.";
  return {
    heading: `Change to ${plan.name}?`,
    text: `${begin}${plan.price_label ? ` It costs ${plan.price_label}.` : ""}`,
    consent: "Change the plan",
    refusal: "Leave it as it is",
  };
}

function cancellation({ plan, period_ends_at }: Subscription, now: boolean): Question {
  const end = period_ends_at ? ` on ${day(period_ends_at)}` : "";
  return {
    heading: now ? `End ${plan.name} now?` : `Cancel ${plan.name}?`,
    text: now
      ? "What plays and needs it stops at once, and what is left of the period is gone."
      : `All goes on until the period ends${end}. Until then you can take it back.`,
    consent: now ? "End it now" : "Cancel at the end",
    refusal: "Keep it",
  };
}

/** What may be done about the subscription as a whole. */
function choices(subscription: Subscription, deeds: Deeds, busy: boolean): TemplateResult | typeof nothing {
  const { state, cancelled } = subscription;
  const { cancel, drop, resume } = deeds;
  if (state === "SUBSCRIPTION_STATE_PENDING")
    return html`
      <div class="choices">
        <button class="second" type="button" ?disabled=${busy} @click=${drop}>Do without it</button>
      </div>
    `;
  if (!isRunning(subscription)) return nothing;
  const turn = cancelled
    ? html`<button class="primary" type="button" ?disabled=${busy} @click=${resume}>Keep it after all</button>`
    : html`
        <button class="second" type="button" ?disabled=${busy} @click=${() => cancel(subscription, false)}>
          Cancel at the end of the period
        </button>
      `;
  return html`
    <div class="choices">
      ${turn}
      <button class="quiet" type="button" ?disabled=${busy} @click=${() => cancel(subscription, true)}>
        End it now
      </button>
    </div>
  `;
}

/** The way to a plan: to its payment, or to the plan itself. */
function way(plan: Plan, state: State, { take }: Deeds): TemplateResult | typeof nothing {
  const { membership = { may_try: true }, busy } = state; // a visitor may be new here
  const deed = deedOf(plan, membership);
  const name = deedName(deed, plan, membership.may_try ?? false);
  if (deed === "none") return nothing;
  if (deed === "pay") return html`<a class="primary" href=${membership.checkout_url ?? ""}>${name}</a>`;
  return html`
    <button class="primary" type="button" ?disabled=${busy} @click=${() => take(plan, deed)}>${name}</button>
  `;
}

function card(plan: Plan, state: State, deeds: Deeds): TemplateResult {
  const isTheirs = isOwn(plan, state.membership?.subscription);
  return html`
    <li class="plan" ?data-own=${isTheirs}>
      <h2>${plan.name}</h2>
      ${isTheirs ? html`<p class="own">Your plan</p>` : nothing}
      ${plan.price_label ? html`<p class="price">${plan.price_label}</p>` : nothing}
      ${plan.description ? html`<p>${plan.description}</p>` : nothing}
      <ul>
        ${benefits(plan).map((benefit) => html`<li>${benefit}</li>`)}
      </ul>
      ${way(plan, state, deeds)}
    </li>
  `;
}

const STAFF = "You look after this house and watch everything, without a plan. This is what viewers see.";
const FREE = "You watch what is free. A plan opens the rest.";
const INVITATION = "Look around. To subscribe you sign in or register, and come back here.";

function content(state: State, deeds: Deeds): TemplateResult {
  const { plans, membership, publisher, failure, busy } = state;
  const subscription = membership?.subscription;
  const cards = cardsOf(plans, subscription);
  const bare = publisher ? STAFF : membership ? FREE : INVITATION;
  return html`
    <h1>Plans</h1>
    <p class="lead" role="status">${subscription ? standing(subscription) : bare}</p>
    ${subscription ? choices(subscription, deeds, busy) : nothing}
    <p class="failure" role="alert">${failure}</p>
    ${
      cards.length > 0
        ? html`<ul class="plans">
            ${cards.map((plan) => card(plan, state, deeds))}
          </ul>`
        : html`<p class="soon">There are no plans on offer at the moment.</p>`
    }
  `;
}

/** What the person has; undefined for who has not signed in. */
function membershipOrNone(): Promise<api.Membership | undefined> {
  return api.getMembership().catch((error: unknown) => {
    if (error instanceof ApiError && error.status === 401) return undefined;
    throw error;
  });
}

/** The plans on offer, to everybody; the person's own one, and what they may do about it. */
export async function plans(root: HTMLElement): Promise<void> {
  const state: State = { plans: [], membership: undefined, publisher: false, failure: "", busy: false };
  let isHearing = false;

  /** Listens for news from now on: there is some for who has signed in. */
  function hear(): void {
    if (isHearing) return;
    isHearing = true;
    listen({
      hear({ subscription }) {
        if (subscription) void load();
      },
      catchUp: load,
    });
  }

  function show(change: Partial<State>): void {
    Object.assign(state, change);
    const page = content(state, deeds);
    entitle("Plans");
    render(state.membership ? frame(page) : frame(page, waysIn(PATH)), root);
  }

  async function load(): Promise<void> {
    try {
      const [offered, membership] = await Promise.all([api.listPlans(), membershipOrNone()]);
      const publisher = !!membership && (await getAccount().then(mayPublish, () => false));
      show({ plans: offered, membership, publisher });
      if (membership) hear();
    } catch (error) {
      apologise(root, error, load);
    }
  }

  /** Does something, and shows what has become of it. */
  async function attempt(step: () => Promise<unknown>): Promise<void> {
    show({ busy: true, failure: "" });
    try {
      await step();
    } catch (error) {
      if (faultIn(error) === "signed-out") askToSignIn();
      show({ failure: reasonIn(error) });
    }
    show({ busy: false });
    await load();
    root.querySelector<HTMLElement>("main")?.focus({ preventScroll: true }); // the button may be gone
  }

  /** Takes a plan, and leaves for its payment where that comes first. */
  async function obtain(ask: (planId: string) => Promise<string>, plan: Plan): Promise<void> {
    const checkout = await ask(plan.plan_id);
    if (checkout) leaveFor(checkout);
  }

  const deeds: Deeds = {
    async take(plan, deed) {
      if (!state.membership) location.assign(signInPath(PATH));
      else if (deed !== "change") await attempt(() => obtain(api.subscribe, plan));
      else if (await consentTo(changeTo(plan, state.membership.subscription)))
        await attempt(() => obtain(api.changePlan, plan));
    },
    async cancel(subscription, now) {
      if (await consentTo(cancellation(subscription, now))) await attempt(() => api.cancelSubscription(now));
    },
    drop: () => attempt(() => api.cancelSubscription(true)),
    resume: () => attempt(api.resumeSubscription),
  };

  entitle("Plans");
  render(frame(html`<h1>Plans</h1>`), root);
  await load();
}
