import { html, nothing, render } from "lit-html";
import { entitle, frame } from "../frame.ts";

/** An address that nothing lives at. */
export function missing(root: HTMLElement): void {
  entitle("Not found");
  render(
    frame(
      html`
        <section class="apology">
          <h1>Nothing plays here</h1>
          <p>This address leads nowhere. The programme is on the first page.</p>
          <a class="primary" href="/">See the programme</a>
        </section>
      `,
      nothing,
    ),
    root,
  );
}
