import { html, nothing, render, type TemplateResult } from "lit-html";
import { mark } from "./frame.ts";

/** The least that a password must have. */
export const SHORTEST_PASSWORD = 8;

export interface Field {
  id: string;
  label: string;
  type: "email" | "password";
  autocomplete: AutoFill;
  hint?: string;
  minlength?: number;
}

export const EMAIL: Field = { id: "email", label: "E-mail", type: "email", autocomplete: "username" };

export const NEW_PASSWORD: Field = {
  id: "new-password",
  label: "New password",
  type: "password",
  autocomplete: "new-password",
  minlength: SHORTEST_PASSWORD,
  hint: `At least ${SHORTEST_PASSWORD} characters. A few words that you remember are better than one that you do not.`,
};

function fieldOf({ id, label, type, autocomplete, hint, minlength }: Field, first: boolean): TemplateResult {
  return html`
    <label for=${id}>${label}</label>
    <input
      id=${id}
      name=${id}
      type=${type}
      autocomplete=${autocomplete}
      required
      maxlength="1024"
      minlength=${minlength ?? nothing}
      ?autofocus=${first}
      aria-describedby=${hint ? `${id}-hint failure` : "failure"}
    />
    ${hint ? html`<p class="hint" id="${id}-hint">${hint}</p>` : nothing}
  `;
}

/** A form: what it asks for, and what becomes of it. */
export interface Form {
  /** Above a form that is all of its page; the first field has the focus then. */
  heading?: string;
  text?: string;
  fields: Field[];
  /** What its button says. */
  deed: string;
  /** Does it, with the values of the fields in their order. */
  submit(...values: string[]): Promise<unknown>;
  /** Why that failed, in a sentence. */
  reason(error: unknown): string;
  /** What stands below the button. */
  below?: TemplateResult;
}

interface State {
  busy: boolean;
  failure?: string;
  /** What was done by it, until it is sent again. */
  done?: string;
}

/** Shows a form by `show`, again and again as it is filled in and sent. */
export function fillIn(form: Form, show: (content: TemplateResult) => void, state: State = { busy: false }): void {
  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const inputs = [...(event.currentTarget as HTMLFormElement).querySelectorAll("input")];
    fillIn(form, show, { busy: true });
    try {
      await form.submit(...inputs.map((input) => input.value));
    } catch (error) {
      fillIn(form, show, { busy: false, failure: form.reason(error) });
      inputs.at(-1)?.select();
    }
  }
  const { heading, text, fields, deed, below } = form;
  const above = state.done ?? text;
  show(html`
    <form class="ask" @submit=${submit}>
      ${heading ? html`<h1>${heading}</h1>` : nothing}
      ${above ? html`<p class="lead" role="status">${above}</p>` : nothing}
      ${fields.map((field, index) => fieldOf(field, !!heading && index === 0))}
      <p class="failure" id="failure" role="alert">${state.failure ?? ""}</p>
      <button class="primary" ?disabled=${state.busy}>${state.busy ? "One moment …" : deed}</button>
      ${below ?? nothing}
    </form>
  `);
}

/** The page before the house: a card with the wordmark, for who has not come in yet. */
export function foyer(root: HTMLElement): (content: TemplateResult) => void {
  return (content) => {
    render(
      html`
        <main class="foyer" id="main">
          <div class="ticket">
            <a class="brand" href="/">${mark()}</a>
            ${content}
          </div>
        </main>
      `,
      root,
    );
  };
}

/** Words in the foyer, and the way from there. */
export function notice(root: HTMLElement, heading: string, text: string, path: string, name: string): void {
  foyer(root)(html`
    <div role="status">
      <h1>${heading}</h1>
      <p class="lead">${text}</p>
    </div>
    <a class="primary" href=${path}>${name}</a>
  `);
}
