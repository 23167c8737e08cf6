import { html, type TemplateResult } from "lit-html";
import { ApiError } from "./api.ts";
import { type Fault, faultOf, WORDS } from "./faults.ts";
import { signInPath } from "./routes.ts";

/** What went wrong, from whatever was thrown. */
export function faultIn(error: unknown): Fault {
  return error instanceof ApiError ? faultOf(error.status) : "broken";
}

/** Kind words for a fault, and the button that mends it. */
export function apology(fault: Fault, retry: () => unknown): TemplateResult {
  const { heading, text, remedy } = WORDS[fault];
  const mend = fault === "signed-out" ? askToSignIn : fault === "missing" ? seeProgramme : retry;
  return html`
    <section class="apology" role="alert">
      <h2>${heading}</h2>
      <p>${text}</p>
      <button class="primary" type="button" @click=${mend}>${remedy}</button>
    </section>
  `;
}

/** Goes to the sign-in page, which returns here. */
export function askToSignIn(): void {
  location.replace(signInPath(location.pathname));
}

function seeProgramme(): void {
  location.assign("/");
}
