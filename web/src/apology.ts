import { html, nothing, render, type TemplateResult } from "lit-html";
import { ApiError } from "./api/calls.ts";
import { countdown } from "./countdown.ts";
import { type Fault, faultOf, sentence, WORDS } from "./faults.ts";
import { entitle, frame } from "./frame.ts";
import type { Outlook } from "./outlook.ts";
import { signInPath } from "./routes.ts";

/** What went wrong, from whatever was thrown. */
export function faultIn(error: unknown): Fault {
  return error instanceof ApiError ? faultOf(error.status) : "broken";
}

/** What went wrong, in one sentence: what is said of it in `words` by its HTTP status, else what the server says. */
export function reasonIn(error: unknown, words: Record<number, string> = {}): string {
  const fault = faultIn(error);
  if (!(error instanceof ApiError) || fault === "away" || fault === "offline") return WORDS[fault].text;
  return words[error.status] ?? (sentence(error.message) || WORDS[fault].text);
}

/** Says what went wrong in place of a whole page. Whoever is not signed in any more is asked to. */
export function apologise(root: HTMLElement, error: unknown, retry: () => unknown): void {
  const fault = faultIn(error);
  if (fault === "signed-out") {
    askToSignIn();
    return;
  }
  entitle(WORDS[fault].heading);
  render(frame(apologyFor(error, retry, true)), root);
}

/** Kind words for whatever was thrown, with when to try again where the server says it. */
export function apologyFor(error: unknown, retry: () => unknown, isPage = false): TemplateResult {
  const wait = error instanceof ApiError ? error.wait : undefined;
  const outlook = wait === undefined ? nothing : html`Try again ${countdown(wait)}.`;
  return apology(faultIn(error), retry, { outlook, isPage });
}

/** What is said beside the kind words for a fault. */
interface Particulars {
  /** The server's own reason. */
  reason?: string;
  /** How it goes on. */
  outlook?: Outlook;
  /** Whether it is all of its page. */
  isPage?: boolean;
}

/** Kind words for a fault, and the button that mends it. */
export function apology(
  fault: Fault,
  retry: () => unknown,
  { reason = "", outlook = nothing, isPage = false }: Particulars = {},
): TemplateResult {
  const { heading, text, remedy } = WORDS[fault];
  const said = sentence(reason);
  const mends: Partial<Record<Fault, () => unknown>> = {
    "signed-out": askToSignIn,
    missing: goTo("/"),
    over: goTo("/"),
    plan: goTo("/plans"),
    devices: goTo("/account#devices"),
  };
  return html`
    <section class="apology" role="alert">
      ${isPage ? html`<h1>${heading}</h1>` : html`<h2>${heading}</h2>`}
      ${said && said !== `${heading}.` ? html`<p class="reason">${said}</p>` : nothing}
      <p>${text}</p>
      ${outlook === nothing ? nothing : html`<p class="outlook">${outlook}</p>`}
      <button class="primary" type="button" @click=${mends[fault] ?? retry}>${remedy}</button>
    </section>
  `;
}

/** Goes to the sign-in page, which returns here. */
export function askToSignIn(): void {
  location.replace(signInPath(location.pathname + location.search));
}

function goTo(path: string): () => void {
  return () => {
    location.assign(path);
  };
}
