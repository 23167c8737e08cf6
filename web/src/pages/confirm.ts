import { html } from "lit-html";
import { confirmEmail } from "../api/accounts.ts";
import { faultIn, reasonIn } from "../apology.ts";
import { takeDestination } from "../destination.ts";
import { foyer, notice } from "../foyer.ts";
import { entitle } from "../frame.ts";
import { takeToken } from "../letters.ts";
import { landing } from "../routes.ts";

/** Where the link of a confirming e-mail leads: opens the account, and goes to the page that was wanted. */
export async function confirm(root: HTMLElement): Promise<void> {
  entitle("Confirm");
  foyer(root)(html`<h1 role="status">One moment, we open your account …</h1>`);
  const token = takeToken();
  try {
    await confirmEmail(token);
    location.replace(landing(takeDestination(), location.origin));
  } catch (error) {
    const isTransient = ["away", "offline"].includes(faultIn(error));
    const text = isTransient
      ? reasonIn(error)
      : "A link opens an account once, and only for a while. If yours is open already, simply sign in.";
    notice(root, "This link opens nothing", text, "/sign-in", "To the entrance");
  }
}
