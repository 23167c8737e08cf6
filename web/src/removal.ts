import { ApiError } from "./api/calls.ts";
import { deleteTitle, isShelf, type Title } from "./api/titles.ts";
import { sentence } from "./faults.ts";
import { consentTo, type Question } from "./question.ts";

function removalOf(title: Title): Question {
  return {
    heading: `Remove “${title.name}”?`,
    text: isShelf(title)
      ? "It is taken off the programme, and cannot be brought back."
      : "The file that was sent is deleted with it, and cannot be brought back.",
    consent: "Remove",
    refusal: "Keep it",
  };
}

/** Asked when something depends on a title, as the server's reason says. */
function removalInSpiteOf(title: Title, reason: string): Question {
  return {
    heading: `Remove “${title.name}” all the same?`,
    text: `${sentence(reason)} Whoever watches is stopped, and everything that belongs to it goes too.`,
    consent: "Remove all",
    refusal: "Keep it",
  };
}

function isPrecondition(error: unknown): error is ApiError {
  return error instanceof ApiError && (error.status === 400 || error.status === 409);
}

/** Removes a title once its person has consented, twice where something depends on it; tells whether it is gone. */
export async function remove(title: Title): Promise<boolean> {
  if (!(await consentTo(removalOf(title)))) return false;
  try {
    await deleteTitle(title.title_id);
  } catch (error) {
    if (!isPrecondition(error)) return isGone(error);
    if (!(await consentTo(removalInSpiteOf(title, error.message)))) return false;
    await deleteTitle(title.title_id, true).catch(isGone);
  }
  return true;
}

/** Whether somebody else was quicker; any other error goes on. */
function isGone(error: unknown): true {
  if (error instanceof ApiError && error.status === 404) return true;
  throw error;
}
