import { html, render } from "lit-html";

/** What is asked before something is done that cannot be undone. */
export interface Question {
  heading: string;
  text: string;
  /** What the button says that does it. */
  consent: string;
  /** What the button says that leaves all as it is; the Escape key says so too. */
  refusal: string;
}

/** Asks, and tells whether the person has consented. */
export function consentTo({ heading, text, consent, refusal }: Question): Promise<boolean> {
  const dialog = document.createElement("dialog");
  const answer = (words: string) => () => {
    dialog.close(words);
  };
  dialog.className = "question";
  dialog.role = "alertdialog";
  dialog.setAttribute("aria-labelledby", "question");
  dialog.setAttribute("aria-describedby", "consequence");
  render(
    html`
      <h2 id="question">${heading}</h2>
      <p id="consequence">${text}</p>
      <div class="answers">
        <button class="quiet" type="button" @click=${answer(refusal)}>${refusal}</button>
        <button class="primary" type="button" @click=${answer(consent)}>${consent}</button>
      </div>
    `,
    dialog,
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === consent);
    });
  });
}
