import { html, nothing, svg, type TemplateResult } from "lit-html";
import { signOut } from "./api/accounts.ts";
import { registerPath, signInPath } from "./routes.ts";

/** Signs out, and goes to the sign-in page. What is still loading would be refused in between, so it is given up. */
export async function leave(): Promise<void> {
  stop();
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

const glass = svg`<circle cx="10.5" cy="10.5" r="6.5" /><path d="m15.5 15.5 5 5" />`;
const ticket = svg`<path d="M3 7h18v3a2 2 0 0 0 0 4v3H3v-3a2 2 0 0 0 0-4ZM15 7v10" />`;
const person = svg`<circle cx="12" cy="8" r="4" /><path d="M4.5 20.5a7.5 7.5 0 0 1 15 0" />`;

function way(path: string, name: string, shapes: TemplateResult): TemplateResult {
  return html`
    <a href=${path} aria-current=${location.pathname === path ? "page" : nothing}>
      <svg class="sign" viewBox="0 0 24 24" aria-hidden="true">${shapes}</svg>
      <span>${name}</span>
    </a>
  `;
}

/** The ways to other pages, for whoever has signed in. */
function ways(): TemplateResult {
  return html`
    <nav class="ways" aria-label="Matinee">
      ${way("/search", "Search", glass)} ${way("/plans", "Plans", ticket)} ${way("/account", "Account", person)}
      <button class="quiet" type="button" @click=${leave}>Sign out</button>
    </nav>
  `;
}

/** The ways in, for whoever has not signed in; they lead back to `path`. */
export function waysIn(path: string): TemplateResult {
  return html`
    <nav class="ways" aria-label="Matinee">
      <a href=${registerPath(path)}>New here?</a> <a href=${signInPath(path)}>Sign in</a>
    </nav>
  `;
}

/** A page: header, then `content` as the main part. Whoever may not have signed in gets other `tools`. */
export function frame(content: TemplateResult, tools: TemplateResult | typeof nothing = ways()): TemplateResult {
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
