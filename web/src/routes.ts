/** What an address of this application shows. */
export type Route = { page: "browse" } | { page: "watch"; titleId: string } | { page: "sign-in" } | { page: "missing" };

/** The route of a path such as `/watch/t123`. */
export function routeOf(path: string): Route {
  const [first = "", second, ...rest] = path.replace(/\/$/, "").split("/").slice(1);
  if (first === "" && second === undefined) return { page: "browse" };
  if (first === "sign-in" && second === undefined) return { page: "sign-in" };
  const titleId = first === "watch" && rest.length === 0 ? decoded(second) : "";
  return titleId ? { page: "watch", titleId } : { page: "missing" };
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
export function watchPath(titleId: string): string {
  return `/watch/${encodeURIComponent(titleId)}`;
}

/** The sign-in page that returns to `path` afterwards. */
export function signInPath(path: string): string {
  return path === "/" ? "/sign-in" : `/sign-in?next=${encodeURIComponent(path)}`;
}

/**
 * The address to go to after signing in: `next` when it is a path of this site, else the first page.
 *
 * The answer is absolute, because the browser reads a path such as `//host` as another site.
 */
export function landing(next: string | null, origin: string): string {
  const home = new URL("/", origin);
  if (!next?.startsWith("/") || !URL.canParse(next, home)) return home.href;
  const wanted = new URL(next, home);
  return wanted.origin === home.origin ? wanted.href : home.href;
}
