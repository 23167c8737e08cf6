import { html, nothing, type TemplateResult } from "lit-html";
import { signOut } from "./api.ts";

async function leave(): Promise<void> {
  await signOut().catch(() => undefined); // the session may have ended already; the sign-in page is right all the same
  location.assign("/sign-in");
}

/** The wordmark. */
export function mark(): TemplateResult {
  return html`
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <path d="M5 25V7l11 10L27 7v18" />
    </svg>
    <span>Matinee</span>
  `;
}

const exit = html`<button class="quiet" type="button" @click=${leave}>Sign out</button>`;

/** A page: header, then `content` as the main part. Whoever may not have signed in gets no `tools`. */
export function frame(content: TemplateResult, tools: TemplateResult | typeof nothing = exit): TemplateResult {
  return html`
    <a class="skip" href="#main">Skip to content</a>
    <header class="top">
      <a class="brand" href="/">${mark()}</a>
      ${tools}
    </header>
    <main id="main" tabindex="-1">${content}</main>
  `;
}

/** Shows `name` as the document's title. */
export function entitle(name: string): void {
  document.title = name === "" ? "Matinee" : `${name} · Matinee`;
}
