import { html, nothing, type TemplateResult } from "lit-html";
import { isDraft, type Title } from "./api/titles.ts";
import type { Bill, Season } from "./bill.ts";
import { poster } from "./cards.ts";
import { titlePath } from "./routes.ts";
import { runningTime } from "./running-time.ts";

/** What a season is called beside its series: by its number, and by its name where that says more. */
export function seasonName({ name, number }: Title): string {
  const short = number ? `Season ${number}` : "";
  return short && name !== short ? `${short} · ${name}` : name;
}

function bar({ title_id, name, duration_seconds }: Title, begun: Bill["begun"]): TemplateResult | typeof nothing {
  const position = begun.get(title_id);
  if (!position || !duration_seconds) return nothing;
  return html`<progress value=${Math.min(1, position / duration_seconds)} aria-label="Seen of ${name}"></progress>`;
}

function row(episode: Title, begun: Bill["begun"]): TemplateResult {
  const { number, name, title_id, duration_seconds, synopsis } = episode;
  const time = duration_seconds ? runningTime(duration_seconds) : "";
  const draft = isDraft(episode) ? "viewers do not see it yet" : "";
  return html`
    <li>
      ${poster(episode, bar(episode, begun))}
      <div>
        <h3>
          <a href=${titlePath(title_id)}>${number ? `${number}. ` : ""}${name}</a>
        </h3>
        <p>${[time, draft].filter(Boolean).join(" · ")}</p>
        ${synopsis ? html`<p class="gist">${synopsis}</p>` : nothing}
      </div>
    </li>
  `;
}

/** A season of a series, or the episodes of a season. */
export function episodes({ season, episodes }: Season, { begun }: Bill): TemplateResult {
  const heading = season ? html`<a href=${titlePath(season.title_id)}>${seasonName(season)}</a>` : "Episodes";
  return html`
    <section class="episodes">
      <h2>${heading}</h2>
      ${
        episodes.length > 0
          ? html`<ol>
              ${episodes.map((episode) => row(episode, begun))}
            </ol>`
          : html`<p class="soon">There is no episode yet.</p>`
      }
    </section>
  `;
}
