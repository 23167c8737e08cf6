import { html, nothing, type TemplateResult } from "lit-html";
import { listProviders, type Provider, signIn as enter } from "../api/accounts.ts";
import { faultIn, reasonIn } from "../apology.ts";
import { EMAIL, fillIn, type Form, foyer } from "../foyer.ts";
import { entitle } from "../frame.ts";
import { destination } from "../destination.ts";
import { goTo } from "../providers.ts";
import { landing, registerPath } from "../routes.ts";

const CLOSED = "Nobody answers behind that door. Try it again in a little while, or come in by e-mail and password.";

/** Opens the door of a provider. */
type Open = (provider: Provider) => unknown;

function doors(providers: Provider[], open: Open): TemplateResult {
  return html`
    <p class="or">or</p>
    ${providers.map(
      (provider) => html`
        <button class="door" type="button" @click=${() => open(provider)}>
          Continue with ${provider.display_name}
        </button>
      `,
    )}
  `;
}

function formWith(providers: Provider[], open: Open): Form {
  return {
    heading: "Come in, the film is about to begin",
    fields: [EMAIL, { id: "password", label: "Password", type: "password", autocomplete: "current-password" }],
    deed: "Sign in",
    async submit(email = "", password = "") {
      await enter(email, password);
      location.replace(landing(destination(), location.origin));
    },
    reason: (error) =>
      reasonIn(error, {
        400: "That e-mail and password do not belong together.",
        401: "That e-mail and password do not belong together.",
      }),
    below: html`
      ${providers.length > 0 ? doors(providers, open) : nothing}
      <p class="ways-out">
        <a href=${registerPath(destination())}>New here?</a> <a href="/forgot">Forgot your password?</a>
      </p>
    `,
  };
}

/** Asks who is there, then goes on to the page that they wanted. */
export async function signIn(root: HTMLElement): Promise<void> {
  let providers: Provider[] = [];

  function show(busy = false, failure = ""): void {
    fillIn(formWith(providers, open), foyer(root), { busy, failure });
  }

  async function open({ provider }: Provider): Promise<void> {
    show(true);
    try {
      await goTo(provider, destination());
      show(); // as whoever comes back finds it
    } catch (error) {
      show(false, faultIn(error) === "away" ? CLOSED : reasonIn(error));
    }
  }

  entitle("Sign in");
  show();
  providers = await listProviders().catch(() => []); // a password does without them
  if (providers.length > 0) show();
}
