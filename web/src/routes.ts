/** Pages without a part in their address. */
const PLAIN = {
  "/": "home",
  "/search": "search",
  "/plans": "plans",
  "/account": "account",
  "/sign-in": "sign-in",
  "/sign-in/callback": "callback",
  "/register": "register",
  "/confirm": "confirm",
  "/forgot": "forgot",
  "/reset": "reset",
} as const;

/** What an address of this application shows. */
export type Route =
  { page: (typeof PLAIN)[keyof typeof PLAIN] | "missing" } | { page: "title" | "watch"; titleId: string };

/** The route of a path such as `/watch/t123`. */
export function routeOf(path: string): Route {
  const whole = path.replace(/(?<=.)\/$/, "");
  if (Object.hasOwn(PLAIN, whole)) return { page: PLAIN[whole as keyof typeof PLAIN] };
  const [, page, segment] = /^\/(title|watch)\/([^/]+)$/.exec(whole) ?? [];
  const titleId = decoded(segment);
  return titleId ? { page: page as "title" | "watch", titleId } : { page: "missing" };
}

/** A segment of a path without its escapes; empty for one that is absent or not UTF-8. */
function decoded(segment = ""): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return "";
  }
}

/** The page of a title. */
export function titlePath(titleId: string): string {
  return `/title/${encodeURIComponent(titleId)}`;
}

/** Where a title plays at once: from where it was left, or from `from` seconds. */
export function watchPath(titleId: string, from?: number): string {
  return `/watch/${encodeURIComponent(titleId)}?from=${from ?? "resume"}`;
}

/** The search for some words. */
export function searchPath(query: string): string {
  return query ? `/search?${new URLSearchParams({ q: query })}` : "/search";
}

/** The sign-in page that returns to `path` afterwards. */
export function signInPath(path: string): string {
  return returning("/sign-in", path);
}

/** The page to register on that comes to `path` once the account is open. */
export function registerPath(path: string): string {
  return returning("/register", path);
}

function returning(page: string, path: string): string {
  return path === "/" ? page : `${page}?next=${encodeURIComponent(path)}`;
}

/**
 * The address to go to after signing in: `next` when it is a path of this site, else the first page.
 *
 * The answer is absolute, because the browser reads a path such as `//host` as another site.
 */
export function landing(next: string, origin: string): string {
  const home = new URL("/", origin);
  if (!next.startsWith("/") || !URL.canParse(next, home)) return home.href;
  const wanted = new URL(next, home);
  return wanted.origin === home.origin ? wanted.href : home.href;
}
