/** What can go wrong between a person and a film. */
export type Fault =
  "signed-out" | "stopped" | "plan" | "crowded" | "devices" | "missing" | "away" | "offline" | "broken";

export interface Words {
  heading: string;
  text: string;
  /** What the button that mends it says. */
  remedy: string;
}

/** The fault that an HTTP status stands for; 0 means that no answer came, and 400 that an identifier cannot be one. */
export function faultOf(status: number): Fault {
  if (status === 0) return "offline";
  if (status === 401) return "signed-out";
  if (status === 403 || status === 410) return "stopped";
  if (status === 400 || status === 404) return "missing";
  if (status === 429 || status >= 500) return "away";
  return "broken";
}

/** The fault that the same status stands for where a film was asked for: the plan, or its limits, are in the way. */
export function refusalOf(status: number): Fault {
  if (status === 403) return "plan";
  return status === 429 ? "crowded" : faultOf(status);
}

/** A reason of the server's as a sentence. */
export function sentence(reason: string): string {
  const words = reason.trim();
  if (!words) return "";
  const first = String.fromCodePoint(words.codePointAt(0) ?? 32);
  return first.toUpperCase() + words.slice(first.length) + (/[.!?…]$/.test(words) ? "" : ".");
}

export const WORDS: Readonly<Record<Fault, Words>> = {
  "signed-out": {
    heading: "Your time here ran out",
    text: "You were away for a while. Sign in again and the film goes on where you left it.",
    remedy: "Sign in",
  },
  stopped: {
    heading: "Playback was stopped",
    text: "This viewing was ended from elsewhere, or it has expired. You can start it again from here.",
    remedy: "Watch again",
  },
  plan: {
    heading: "Your plan does not include this film",
    text: "Another plan does. A change takes effect at once, and the film is a click away.",
    remedy: "See the plans",
  },
  crowded: {
    heading: "Every seat of your plan is taken",
    text: "Your plan is being watched elsewhere to the full. You can go on here instead: what was begun first is stopped.",
    remedy: "Watch here instead",
  },
  devices: {
    heading: "This is one device more than your plan has room for",
    text: "Remove one that you do not watch on any more, then come back: the film waits for you.",
    remedy: "See your devices",
  },
  missing: {
    heading: "This film is not here",
    text: "It may have been taken off the programme, or the address has a slip in it.",
    remedy: "See the programme",
  },
  away: {
    heading: "The house is having a short break",
    text: "The server cannot answer at the moment. Nothing is lost: give it a little while.",
    remedy: "Try again",
  },
  offline: {
    heading: "The connection is gone",
    text: "We cannot reach the server. Check your network, then pick up where you were.",
    remedy: "Try again",
  },
  broken: {
    heading: "That did not work",
    text: "Something unexpected happened while this was loading. Another try often mends it.",
    remedy: "Try again",
  },
};
