/** Where this browser keeps the page that was wanted, while a letter with a link is on its way. */
const KEY = "matinee-destination";

/** The page that was wanted before the way in, as the address of this page says. */
export function destination(): string {
  return new URLSearchParams(location.search).get("next") ?? "/";
}

/** Keeps the page that was wanted: a letter's link comes to this browser without it, and in another tab. */
export function keepDestination(): void {
  try {
    localStorage.setItem(KEY, destination());
  } catch {
    return; // the browser keeps nothing for us: then the link leads to the first page
  }
}

/** The page that was kept; once only. */
export function takeDestination(): string {
  try {
    const kept = localStorage.getItem(KEY);
    localStorage.removeItem(KEY);
    return kept ?? "/";
  } catch {
    return "/";
  }
}
