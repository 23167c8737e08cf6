import { html, nothing, render, type TemplateResult } from "lit-html";
import * as api from "../api/accounts.ts";
import { type Device, listDevices, removeDevice } from "../api/playback.ts";
import { apologise, reasonIn } from "../apology.ts";
import { ago } from "../dates.ts";
import { deviceId } from "../device.ts";
import { type Form, fillIn, NEW_PASSWORD } from "../foyer.ts";
import { entitle, frame, leave } from "../frame.ts";
import { listen } from "../news.ts";
import { consentTo } from "../question.ts";

interface State {
  account: api.Account | undefined;
  /** Undefined as long as they could not be fetched; so are the sign-ins and the devices. */
  sessions: api.Session[] | undefined;
  signIns: api.SignIn[] | undefined;
  devices: Device[] | undefined;
  failure: string;
  /** The form of a new password, as it stands. */
  password: TemplateResult | typeof nothing;
}

/** So many of the latest sign-ins are shown. */
const RECENT = 10;

/** What a person does on this page. */
interface Deeds {
  revoke: (session: api.Session) => unknown;
  remove: (device: Device) => unknown;
  leaveAll: () => unknown;
  load: () => unknown;
}

const EVERYWHERE = {
  heading: "Sign out everywhere?",
  text: "Every browser and app is signed out, this one too, and what plays there stops.",
  consent: "Sign out everywhere",
  refusal: "Stay signed in",
};

function used(timestamp: string | undefined): string {
  return timestamp ? `last used ${ago(timestamp, Date.now())}` : "";
}

/** What a device is called of which a sign-in came. */
function named(device = ""): string {
  return device === "" ? "Unknown device" : device;
}

/** One thing in a list: its name, what is known of it, and the button that does away with it, if anything does. */
function row(name: string, mine: boolean, known: string[], deed?: string, act?: () => unknown): TemplateResult {
  const button = html`
    <button class="second" type="button" aria-label="${deed}: ${name}" @click=${act}>${deed}</button>
  `;
  return html`
    <li>
      <div>
        <h3>${name}${mine ? html` <span class="own">this one</span>` : nothing}</h3>
        <p>${known.filter(Boolean).join(" · ")}</p>
      </div>
      ${deed ? button : nothing}
    </li>
  `;
}

function sessionRow(session: api.Session, { revoke }: Deeds): TemplateResult {
  const { device, address = "", last_used_at, created_at, current = false } = session;
  const known = [address, used(last_used_at ?? created_at)];
  return row(named(device), current, known, "Sign out", () => revoke(session));
}

function deviceRow(device: Device, { remove }: Deeds): TemplateResult {
  const { device_id, name, last_used_at, streams = 0 } = device;
  const known = [streams > 0 ? "plays now" : "", used(last_used_at)];
  return row(name || "Unnamed device", device_id === deviceId(), known, "Remove", () => remove(device));
}

function signInRow({ device, address = "", method, time, active = false }: api.SignIn): TemplateResult {
  const how = method === "password" ? "by password" : `by ${method}`;
  const known = [how, address, ago(time, Date.now()), active ? "" : "signed out"];
  return row(named(device), false, known);
}

function section(id: string, heading: string, text: string, content: TemplateResult): TemplateResult {
  return html`
    <section id=${id} aria-labelledby="${id}-heading">
      <h2 id="${id}-heading">${heading}</h2>
      <p>${text}</p>
      ${content}
    </section>
  `;
}

/** The rows of a list, or that it could not be fetched. */
function things<T>(list: T[] | undefined, row: (thing: T) => TemplateResult, retry: () => unknown): TemplateResult {
  if (list)
    return html`
      <ul class="things">
        ${list.map(row)}
      </ul>
    `;
  return html`
    <div class="lacking">
      <p class="failure" role="alert">This list could not be fetched.</p>
      <button class="second" type="button" @click=${retry}>Try again</button>
    </div>
  `;
}

function content({ account, sessions, signIns, devices, failure, password }: State, deeds: Deeds): TemplateResult {
  const signedIn = html`
    ${things(sessions, (session) => sessionRow(session, deeds), deeds.load)}
    <button class="second" type="button" @click=${deeds.leaveAll}>Sign out everywhere</button>
  `;
  const entered = things(signIns, signInRow, deeds.load);
  const played =
    devices?.length === 0
      ? html`<p>You have not watched anything yet.</p>`
      : things(devices, (device) => deviceRow(device, deeds), deeds.load);
  return html`
    <div class="account">
      <h1>Your account</h1>
      <p class="lead">${account?.email ?? ""}</p>
      <p><a href="/plans">Your plan, and others</a></p>
      <p class="failure" role="alert">${failure}</p>
      ${section("sessions", "Where you are signed in", "Whoever you sign out here must sign in again.", signedIn)}
      ${section("sign-ins", "Recent sign-ins", "Was it not you? Sign it out above, and change the password.", entered)}
      ${section("devices", "Devices", "Where you have watched. A plan may allow only so many.", played)}
      ${section("change-password", "Password", "A new one signs you out everywhere else.", html`${password}`)}
    </div>
  `;
}

/** Who the person is, where they are signed in, and on what they watch. */
export async function account(root: HTMLElement): Promise<void> {
  const state: State = {
    account: undefined,
    sessions: undefined,
    signIns: undefined,
    devices: undefined,
    failure: "",
    password: nothing,
  };

  function show(change: Partial<State>): void {
    Object.assign(state, change);
    if (!state.account) return;
    entitle("Account");
    render(frame(content(state, deeds)), root);
  }

  async function load(): Promise<void> {
    try {
      const [account, sessions, signIns, devices] = await Promise.all([
        api.getAccount(),
        api.listSessions().catch(() => undefined),
        api.recentSignIns(RECENT).catch(() => undefined),
        listDevices().catch(() => undefined),
      ]);
      show({ account, sessions, signIns, devices });
    } catch (error) {
      apologise(root, error, load);
    }
  }

  async function attempt(step: () => Promise<unknown>): Promise<void> {
    let failure = "";
    await step().catch((error: unknown) => {
      failure = reasonIn(error);
    });
    show({ failure });
    await load();
    root.querySelector<HTMLElement>("main")?.focus({ preventScroll: true });
  }

  async function leaveAll(): Promise<void> {
    if (!(await consentTo(EVERYWHERE))) return;
    await attempt(async () => {
      const others = (await api.listSessions()).filter(({ current }) => !current);
      await Promise.all(others.map(({ session_id }) => api.revokeSession(session_id)));
      await leave();
    });
  }

  const deeds: Deeds = {
    revoke: ({ session_id, current }) => (current ? leave() : attempt(() => api.revokeSession(session_id))),
    remove: ({ device_id }) => attempt(() => removeDevice(device_id)),
    leaveAll,
    load,
  };

  function askPassword(done = ""): void {
    const form = passwordForm(() => {
      askPassword("Your new password holds from now on.");
      root.querySelector<HTMLFormElement>("#change-password form")?.reset();
    });
    const put = (password: TemplateResult) => {
      show({ password });
    };
    fillIn(form, put, { busy: false, done });
  }

  entitle("Account");
  render(frame(html`<h1>Your account</h1>`), root);
  askPassword();
  await load();
  document.getElementById(location.hash.slice(1))?.scrollIntoView(); // it was not there when the page came
  listen({
    hear({ sign_in, playback, account }) {
      if (sign_in || playback || account) void load();
    },
    catchUp: load,
  });
}

function passwordForm(done: () => void): Form {
  return {
    fields: [
      { id: "password", label: "Current password", type: "password", autocomplete: "current-password" },
      NEW_PASSWORD,
    ],
    deed: "Change the password",
    async submit(password = "", newPassword = "") {
      await api.changePassword(password, newPassword);
      done();
    },
    reason: (error) => reasonIn(error),
    below: html`<p class="ways-out"><a href="/forgot">You have none yet, or forgot it?</a></p>`,
  };
}
