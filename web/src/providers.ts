import { beginSignIn, completeSignIn } from "./api/accounts.ts";

/** Where this tab keeps what it has begun at a provider. */
const KEY = "matinee-sign-in";

/** A sign-in that was begun: the state that must come back, and the path to go to then. */
interface Begun {
  state: string;
  next: string;
}

/** What a provider sent back (RFC 6749, 4.1.2; RFC 9207 for `iss`). */
export interface Return {
  state: string;
  code: string;
  iss: string;
  /** Why there is no code: `access_denied` when the person thought better of it. */
  error: string;
}

/** What a provider sent back, of the query of our callback. */
export function returnOf(query: string): Return {
  const sent = new URLSearchParams(query);
  const [state, code, iss, error] = ["state", "code", "iss", "error"].map((name) => sent.get(name) ?? "");
  return { state: state ?? "", code: code ?? "", iss: iss ?? "", error: error ?? "" };
}

/** Sends the browser to a provider, which sends it back. Only a web address is gone to. */
export async function goTo(provider: string, next: string): Promise<void> {
  const { authorization_url, state } = await beginSignIn(provider);
  sessionStorage.setItem(KEY, JSON.stringify({ state, next } satisfies Begun));
  leaveFor(authorization_url);
}

/** Goes to a page of another site, such as a provider's. Throws for what is no web address. */
export function leaveFor(address: string): void {
  if (!/^https?:$/.test(new URL(address).protocol)) throw new TypeError(`${address} is no web address`);
  location.assign(address);
}

/** What this tab has begun; once only, because it is spent then. */
function takeBegun(): Begun | undefined {
  const kept = sessionStorage.getItem(KEY);
  sessionStorage.removeItem(KEY);
  return kept ? (JSON.parse(kept) as Begun) : undefined;
}

/** Why signing in at a provider came to nothing. */
export type Failure = "strange" | "declined";

/**
 * Completes a sign-in with what came back, and gives the path to go on to; a `Failure` when it is no answer to what
 * this tab began, or the provider said no.
 */
export async function complete(sent: Return): Promise<{ next: string } | Failure> {
  const begun = takeBegun();
  if (begun?.state !== sent.state) return "strange";
  if (sent.error || !sent.code) return "declined";
  await completeSignIn(sent.state, sent.code, sent.iss);
  return { next: begun.next };
}
