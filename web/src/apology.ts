import { html, nothing, type TemplateResult } from "lit-html";
import { ApiError } from "./api/calls.ts";
import { type Fault, faultOf, sentence, WORDS } from "./faults.ts";
import { signInPath } from "./routes.ts";

/** What went wrong, from whatever was thrown. */
export function faultIn(error: unknown): Fault {
  return error instanceof ApiError ? faultOf(error.status) : "broken";
}

/** What went wrong, in one sentence: what is said of it in `words` by its HTTP status, else what the server says. */
export function reasonIn(error: unknown, words: Record<number, string> = {}): string {
  const fault = faultIn(error);
  if (!(error instanceof ApiError) || fault === "away" || fault === "offline") return WORDS[fault].text;
  return words[error.status] ?? sentence(error.message);
}

/** Kind words for a fault, the server's own `reason` where it gave one, and the button that mends it. */
export function apology(fault: Fault, retry: () => unknown, reason = ""): TemplateResult {
  const { heading, text, remedy } = WORDS[fault];
  const said = sentence(reason);
  const mends: Partial<Record<Fault, () => unknown>> = {
    "signed-out": askToSignIn,
    missing: goTo("/"),
    plan: goTo("/plans"),
    devices: goTo("/account#devices"),
  };
  return html`
    <section class="apology" role="alert">
      <h2>${heading}</h2>
      ${said && said !== `${heading}.` ? html`<p class="reason">${said}</p>` : nothing}
      <p>${text}</p>
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
