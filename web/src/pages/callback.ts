import { html } from "lit-html";
import { reasonIn } from "../apology.ts";
import { foyer, notice } from "../foyer.ts";
import { entitle } from "../frame.ts";
import { complete, type Failure, returnOf } from "../providers.ts";
import { landing } from "../routes.ts";

const REASONS: Readonly<Record<Failure, string>> = {
  strange: "This answer belongs to no sign-in that was begun here. It may have been used before: please begin again.",
  declined: "You were not signed in there. You can try again, or come in by e-mail and password.",
};

/** Where a provider sends the browser back to: opens the session, and goes on to the page that was wanted. */
export async function callback(root: HTMLElement): Promise<void> {
  entitle("Sign in");
  foyer(root)(html`<h1 role="status">One moment, we look for your seat …</h1>`);
  try {
    const sent = returnOf(location.search);
    history.replaceState(null, "", location.pathname); // the code stays in no history
    const outcome = await complete(sent);
    if (typeof outcome === "string") refuse(REASONS[outcome]);
    else location.replace(landing(outcome.next, location.origin));
  } catch (error) {
    refuse(reasonIn(error));
  }

  function refuse(reason: string): void {
    notice(root, "That did not open the door", reason, "/sign-in", "Back to the entrance");
  }
}
