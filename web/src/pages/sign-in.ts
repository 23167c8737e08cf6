import { html, render } from "lit-html";
import * as api from "../api.ts";
import { faultIn } from "../apology.ts";
import { WORDS } from "../faults.ts";
import { entitle, mark } from "../frame.ts";
import { landing } from "../routes.ts";

/** Why signing in failed, in one sentence. */
function reason(error: unknown): string {
  const fault = faultIn(error);
  if (fault === "away" || fault === "offline") return WORDS[fault].text;
  return "That e-mail and password do not belong together.";
}

async function submit(event: SubmitEvent, root: HTMLElement): Promise<void> {
  event.preventDefault();
  const value = (id: string) => root.querySelector<HTMLInputElement>(`#${id}`)?.value ?? "";
  show(root, { busy: true });
  try {
    await api.signIn(value("email"), value("password"));
    location.replace(landing(new URLSearchParams(location.search).get("next"), location.origin));
  } catch (error) {
    show(root, { busy: false, failure: reason(error) });
    root.querySelector<HTMLInputElement>("#password")?.select();
  }
}

function show(root: HTMLElement, state: { busy: boolean; failure?: string }): void {
  render(
    html`
      <main class="foyer">
        <form class="ticket" @submit=${(event: SubmitEvent) => submit(event, root)}>
          <p class="brand">${mark()}</p>
          <h1>Come in, the film is about to begin</h1>
          <label for="email">E-mail</label>
          <input id="email" name="email" type="email" autocomplete="username" required autofocus />
          <label for="password">Password</label>
          <input
            id="password"
            name="password"
            type="password"
            autocomplete="current-password"
            required
            aria-describedby="failure"
          />
          <p class="failure" id="failure" role="alert">${state.failure ?? ""}</p>
          <button class="primary" ?disabled=${state.busy}>${state.busy ? "One moment …" : "Sign in"}</button>
        </form>
      </main>
    `,
    root,
  );
}

/** Asks who is there, then goes on to the page that they wanted. */
export function signIn(root: HTMLElement): void {
  entitle("Sign in");
  show(root, { busy: false });
}
