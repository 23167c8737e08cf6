import { html, nothing, type TemplateResult } from "lit-html";
import { listProviders, type Provider, signIn as enter } from "../api/accounts.ts";
import { reasonIn } from "../apology.ts";
import { EMAIL, fillIn, type Form, foyer } from "../foyer.ts";
import { entitle } from "../frame.ts";
import { destination } from "../destination.ts";
import { goTo } from "../providers.ts";
import { landing, registerPath } from "../routes.ts";

function doors(providers: Provider[]): TemplateResult {
  const open = ({ provider }: Provider) => goTo(provider, destination());
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

function formWith(providers: Provider[]): Form {
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
      ${providers.length > 0 ? doors(providers) : nothing}
      <p class="ways-out">
        <a href=${registerPath(destination())}>New here?</a> <a href="/forgot">Forgot your password?</a>
      </p>
    `,
  };
}

/** Asks who is there, then goes on to the page that they wanted. */
export async function signIn(root: HTMLElement): Promise<void> {
  entitle("Sign in");
  fillIn(formWith([]), foyer(root));
  const providers = await listProviders().catch(() => []); // a password does without them
  if (providers.length > 0) fillIn(formWith(providers), foyer(root));
}
