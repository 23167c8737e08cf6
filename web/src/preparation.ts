import { html, nothing, type TemplateResult } from "lit-html";
import type { Job } from "./api/jobs.ts";
import { isShelf, type Title } from "./api/titles.ts";
import { span } from "./clock.ts";
import { moment } from "./dates.ts";
import { titlePath } from "./routes.ts";

/** What publishers can do about a film whose work has ended without success. */
export interface Remedies {
  retry: (job: Job) => unknown;
  remove: (title: Title) => unknown;
}

/** Whether there is still something to wait for. */
export function isUnderWay(job: Job): boolean {
  return job.state === "JOB_STATE_QUEUED" || job.state === "JOB_STATE_RUNNING";
}

function hasHalted(job: Job): boolean {
  return job.state === "JOB_STATE_FAILED" || job.state === "JOB_STATE_CANCELLED";
}

/** Since when a job waits, and how long until its next try. */
function wait({ waits_since, due_at }: Job, now: number): string {
  const since = waits_since ? ` since ${moment(waits_since)}` : "";
  const seconds = due_at ? (Date.parse(due_at) - now) / 1000 : 0;
  return seconds > 0 ? `${since}, next in ${span(seconds)}` : since;
}

/** Where the work on a film stands, in a sentence; without a job there is none yet. `now` is in milliseconds. */
export function standing(job: Job | undefined, now = Date.now()): string {
  const reason = job?.message ? `: ${job.message.replace(/\.$/, "")}` : "";
  switch (job?.state) {
    case "JOB_STATE_QUEUED":
      return reason ? `Waiting for another try${wait(job, now)}${reason}.` : "Waiting for its turn.";
    case "JOB_STATE_RUNNING":
      return job.cancel_requested ? "Being cancelled." : `${Math.floor((job.progress ?? 0) * 100)} % done.`;
    case "JOB_STATE_FAILED":
      return `This film could not be prepared${reason}.`;
    case "JOB_STATE_CANCELLED":
      return "The work on this film was cancelled.";
    case "JOB_STATE_PUBLISHED":
      return "Ready.";
    case undefined:
      return "Its film has not arrived yet.";
  }
}

/** Whether only somebody's word is missing for viewers to see a draft. */
export function isReady(title: Title): boolean {
  return !!title.asset_id || isShelf(title);
}

function bar({ progress = 0 }: Job, name: string): TemplateResult {
  return html`<progress value=${progress} aria-label="Progress of ${name}"></progress>`;
}

/** The buttons of one film; their names say of which. */
function choices(title: Title, job: Job, { retry, remove }: Remedies): TemplateResult {
  const again = html`
    <button type="button" aria-label="Try again: ${title.name}" @click=${() => retry(job)}>Try again</button>
  `;
  return html`
    <div class="choices">
      ${job.refused ? nothing : again}
      <button type="button" aria-label="Remove ${title.name}" @click=${() => remove(title)}>Remove</button>
    </div>
  `;
}

function draft(title: Title, job: Job | undefined, remedies: Remedies): TemplateResult {
  const halted = !isReady(title) && job && hasHalted(job);
  return html`
    <li>
      <h3><a href=${titlePath(title.title_id)}>${title.name}</a></h3>
      <p class=${halted ? "halted" : nothing}>${isReady(title) ? "Viewers do not see it yet." : standing(job)}</p>
      ${halted ? choices(title, job, remedies) : nothing}
      ${job?.state === "JOB_STATE_RUNNING" ? bar(job, title.name) : nothing}
    </li>
  `;
}

/** What viewers do not see yet: every draft and the state of its job. */
export function preparation(drafts: Title[], jobs: Map<string, Job>, remedies: Remedies): TemplateResult {
  return html`
    <section class="preparation" aria-labelledby="preparation">
      <h2 id="preparation">In preparation</h2>
      <ul>
        ${drafts.map((title) => draft(title, jobs.get(title.title_id), remedies))}
      </ul>
    </section>
  `;
}
