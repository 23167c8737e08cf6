import { html } from "lit-html";
import { requestPasswordReset } from "../api/accounts.ts";
import { reasonIn } from "../apology.ts";
import { EMAIL, fillIn, foyer, notice } from "../foyer.ts";
import { entitle } from "../frame.ts";

/** Asks for an e-mail with a link that sets a new password. */
export function forgot(root: HTMLElement): void {
  entitle("Forgotten password");
  const form = {
    heading: "It happens to all of us",
    text: "Tell us your e-mail, and a link that sets a new password is on its way.",
    fields: [EMAIL],
    deed: "Send the link",
    async submit(email = "") {
      await requestPasswordReset(email);
      const text = `If ${email} has an account here, a letter with the link is on its way. It may take a minute.`;
      notice(root, "Look into your mail", text, "/sign-in", "To the entrance");
    },
    reason: (error: unknown) => reasonIn(error),
    below: html`<p class="ways-out"><a href="/sign-in">You remember it? Sign in</a></p>`,
  };
  fillIn(form, foyer(root));
}
