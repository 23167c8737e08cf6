import { html, nothing, render, type TemplateResult } from "lit-html";
import * as api from "../api/plans.ts";
import { apology, askToSignIn, faultIn, reasonIn } from "../apology.ts";
import { day } from "../dates.ts";
import { benefits, isRunning, standing } from "../entitlement.ts";
import { entitle, frame } from "../frame.ts";
import { listen } from "../news.ts";
import { cardsOf, type Deed, deedName, deedOf, isOwn } from "../offer.ts";
import { leaveFor } from "../providers.ts";
import { consentTo, type Question } from "../question.ts";

type Plan = api.Plan;
type Subscription = api.Subscription;

/** What is known, and what went wrong last. */
interface State {
  plans: Plan[];
  subscription: Subscription | undefined;
  failure: string;
  busy: boolean;
}

/** What a person does on this page. */
interface Deeds {
  take: (plan: Plan, deed: Deed) => unknown;
  cancel: (subscription: Subscription, now: boolean) => unknown;
  resume: () => unknown;
}

function changeTo(plan: Plan): Question {
  return {
    heading: `Change to ${plan.name}?`,
    text: `It holds at once.${plan.price_label ? ` It costs ${plan.price_label}.` : ""}`,
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

function choices(subscription: Subscription, { cancel, resume }: Deeds, busy: boolean): TemplateResult {
  const { cancelled } = subscription;
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

function card(plan: Plan, { subscription, busy }: State, { take }: Deeds): TemplateResult {
  const deed = deedOf(plan, subscription);
  const isTheirs = isOwn(plan, subscription);
  const button = html`
    <button class="primary" type="button" ?disabled=${busy} @click=${() => take(plan, deed)}>
      ${deedName(deed, plan, subscription)}
    </button>
  `;
  return html`
    <li class="plan" ?data-own=${isTheirs}>
      <h2>${plan.name}</h2>
      ${isTheirs ? html`<p class="own">Your plan</p>` : nothing}
      ${plan.price_label ? html`<p class="price">${plan.price_label}</p>` : nothing}
      ${plan.description ? html`<p>${plan.description}</p>` : nothing}
      <ul>
        ${benefits(plan).map((benefit) => html`<li>${benefit}</li>`)}
      </ul>
      ${deed === "none" ? nothing : button}
    </li>
  `;
}

function content(state: State, deeds: Deeds): TemplateResult {
  const { plans, subscription, failure, busy } = state;
  const cards = cardsOf(plans, subscription);
  return html`
    <h1>Plans</h1>
    <p class="lead" role="status">
      ${subscription ? standing(subscription) : "You watch what is free. A plan opens the rest."}
    </p>
    ${isRunning(subscription) ? choices(subscription, deeds, busy) : nothing}
    <p class="failure" role="alert">${failure}</p>
    ${
      cards.length > 0
        ? html`<ul class="plans">
            ${cards.map((plan) => card(plan, state, deeds))}
          </ul>`
        : html`<p class="soon">There are no plans on offer: every title here is free to watch.</p>`
    }
  `;
}

/** The plans on offer, the person's own one, and what they may do about it. */
export async function plans(root: HTMLElement): Promise<void> {
  const state: State = { plans: [], subscription: undefined, failure: "", busy: false };

  function show(change: Partial<State>): void {
    Object.assign(state, change);
    render(frame(content(state, deeds)), root);
  }

  async function load(): Promise<void> {
    try {
      const [offered, subscription] = await Promise.all([api.listPlans(), api.getSubscription()]);
      show({ plans: offered, subscription });
    } catch (error) {
      const fault = faultIn(error);
      if (fault === "signed-out") askToSignIn();
      else render(frame(apology(fault, load)), root);
    }
  }

  /** Does something, and shows what has become of it. */
  async function attempt(step: () => Promise<unknown>): Promise<void> {
    show({ busy: true, failure: "" });
    try {
      await step();
    } catch (error) {
      show({ failure: reasonIn(error) });
    }
    show({ busy: false });
    await load();
  }

  async function subscribe(plan: Plan): Promise<void> {
    const checkout = await api.subscribe(plan.plan_id);
    if (checkout) leaveFor(checkout);
  }

  const deeds: Deeds = {
    async take(plan, deed) {
      if (deed !== "change") return attempt(() => subscribe(plan));
      if (await consentTo(changeTo(plan))) await attempt(() => api.changePlan(plan.plan_id));
    },
    async cancel(subscription, now) {
      if (await consentTo(cancellation(subscription, now))) await attempt(() => api.cancelSubscription(now));
    },
    resume: () => attempt(api.resumeSubscription),
  };

  entitle("Plans");
  render(frame(html`<h1>Plans</h1>`), root);
  await load();
  listen({
    hear({ subscription }) {
      if (subscription) void load();
    },
    catchUp: load,
  });
}
