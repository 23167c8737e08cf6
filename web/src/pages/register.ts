import { html } from "lit-html";
import { register as ask } from "../api/accounts.ts";
import { reasonIn } from "../apology.ts";
import { destination, keepDestination } from "../destination.ts";
import { EMAIL, fillIn, foyer, NEW_PASSWORD, notice } from "../foyer.ts";
import { entitle } from "../frame.ts";
import { signInPath } from "../routes.ts";

/** Asks for an account; it opens with a link that comes by e-mail. */
export function register(root: HTMLElement): void {
  entitle("Register");
  const form = {
    heading: "Take a seat of your own",
    fields: [EMAIL, { ...NEW_PASSWORD, label: "Password" }],
    deed: "Register",
    async submit(email = "", password = "") {
      await ask(email, password);
      keepDestination();
      const text = `We have written to ${email}. The link in that letter opens your account; it may take a minute.`;
      notice(root, "Look into your mail", text, "/sign-in", "To the entrance");
    },
    reason: (error: unknown) =>
      reasonIn(error, { 403: "This house takes no new accounts by itself. Ask who runs it." }),
    below: html`<p class="ways-out"><a href=${signInPath(destination())}>You have an account? Sign in</a></p>`,
  };
  fillIn(form, foyer(root));
}
