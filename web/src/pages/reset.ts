import { html } from "lit-html";
import { resetPassword } from "../api/accounts.ts";
import { reasonIn } from "../apology.ts";
import { fillIn, foyer, NEW_PASSWORD, notice } from "../foyer.ts";
import { entitle } from "../frame.ts";
import { takeToken } from "../letters.ts";

/** Where the link of a reset e-mail leads: sets a new password. */
export function reset(root: HTMLElement): void {
  entitle("New password");
  const token = takeToken();
  const form = {
    heading: "A new password",
    text: "You are signed out everywhere, and come in with this one.",
    fields: [NEW_PASSWORD],
    deed: "Set the password",
    async submit(password = "") {
      await resetPassword(token, password);
      notice(root, "That is done", "Your new password holds from now on.", "/sign-in", "Sign in");
    },
    reason: (error: unknown) => reasonIn(error),
    below: html`<p class="ways-out"><a href="/forgot">Ask for another link</a></p>`,
  };
  fillIn(form, foyer(root));
}
