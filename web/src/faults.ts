/** What can go wrong between a person and a film. */
export type Fault =
  | "signed-out"
  | "stopped"
  | "over"
  | "plan"
  | "crowded"
  | "devices"
  | "missing"
  | "busy"
  | "away"
  | "offline"
  | "broken";

/** Faults that pass by themselves. */
export const PASSING: ReadonlySet<Fault> = new Set(["busy", "away", "offline"]);

/** What a refusal says: `wait` is for how many seconds it makes no sense to ask again. */
export interface Refusal {
  status: number;
  code: string;
  wait?: number | undefined;
}

export interface Words {
  heading: string;
  text: string;
  /** What the button that mends it says. */
  remedy: string;
}

/** What ended a film, where the server says more than that it did. */
const ENDS: Readonly<Record<string, Fault>> = {
  PLAN_REQUIRED: "plan",
  TITLE_UNAVAILABLE: "over",
  SIGNED_OUT: "signed-out",
};

/**
 * The fault that an HTTP status stands for, with the cause that the server gives; 0 means that no answer came, and 400
 * that an identifier cannot be one.
 */
export function faultOf(status: number, cause = ""): Fault {
  if (status === 0) return "offline";
  if (status === 401) return "signed-out";
  if (status === 403 || status === 410) return ENDS[cause] ?? "stopped";
  if (status === 400 || status === 404) return "missing";
  if (status === 429) return "busy";
  if (status >= 500) return "away";
  return "broken";
}

/**
 * The fault where a film was asked for: the plan, or its limits, are in the way. Who has only asked too often is told
 * when to ask again, by our server or by a proxy before it; a full plan has no such time.
 */
export function refusalOf({ status, code, wait }: Refusal): Fault {
  if (status === 403) return "plan";
  const isFull = status === 429 && code === "RESOURCE_EXHAUSTED" && wait === undefined;
  return isFull ? "crowded" : faultOf(status);
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
    heading: "You are signed out",
    text: "Sign in again, and the film goes on where you left it.",
    remedy: "Sign in",
  },
  stopped: {
    heading: "Playback was stopped",
    text: "It goes on here, from where it was, as soon as you like.",
    remedy: "Watch again",
  },
  over: {
    heading: "This film has left the programme",
    text: "It could be watched until now. What else is on is a click away.",
    remedy: "See the programme",
  },
  plan: {
    heading: "This film needs a plan",
    text: "One that includes it takes effect at once, and then the film is a click away.",
    remedy: "See the plans",
  },
  crowded: {
    heading: "Every seat of your plan is taken",
    text: "You can go on here instead: what was begun first is stopped.",
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
  busy: {
    heading: "The house is very busy",
    text: "Too much was asked of it at once. Nothing is lost: give it a little while.",
    remedy: "Try again",
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
