import "./styles/main.css";
import { home } from "./pages/home.ts";
import { type Route, routeOf } from "./routes.ts";

/** Shows the page of a route. All but the first one are fetched when they are wanted: the player is most of the code. */
async function show(root: HTMLElement, route: Route): Promise<void> {
  switch (route.page) {
    case "home":
      return home(root);
    case "search":
      return (await import("./pages/search.ts")).search(root);
    case "title":
      return (await import("./pages/title.ts")).title(root, route.titleId);
    case "watch":
      return (await import("./pages/watch.ts")).watch(root, route.titleId);
    case "plans":
      return (await import("./pages/plans.ts")).plans(root);
    case "account":
      return (await import("./pages/account.ts")).account(root);
    case "sign-in":
      return (await import("./pages/sign-in.ts")).signIn(root);
    case "callback":
      return (await import("./pages/callback.ts")).callback(root);
    case "register":
      (await import("./pages/register.ts")).register(root);
      return;
    case "confirm":
      return (await import("./pages/confirm.ts")).confirm(root);
    case "forgot":
      (await import("./pages/forgot.ts")).forgot(root);
      return;
    case "reset":
      (await import("./pages/reset.ts")).reset(root);
      return;
    case "missing":
      (await import("./pages/missing.ts")).missing(root);
  }
}

const root = document.querySelector<HTMLElement>("#app");
if (root) await show(root, routeOf(location.pathname));
