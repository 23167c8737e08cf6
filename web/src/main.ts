import "./styles/main.css";
import { browse } from "./pages/browse.ts";
import { missing } from "./pages/missing.ts";
import { signIn } from "./pages/sign-in.ts";
import { routeOf } from "./routes.ts";

const root = document.querySelector<HTMLElement>("#app");
if (root) {
  const route = routeOf(location.pathname);
  if (route.page === "browse") await browse(root);
  if (route.page === "watch") {
    const { watch } = await import("./pages/watch.ts"); // the player is most of the code, and only this page needs it
    await watch(root, route.titleId);
  }
  if (route.page === "sign-in") signIn(root);
  if (route.page === "missing") missing(root);
}
