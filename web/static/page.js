// What makes the pages quicker; each of them works without it.

// A form that takes long says so, and cannot be sent twice.
const WAIT_MILLISECONDS = 5000;
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "yes";
    const waiting = document.querySelector("template#waiting");
    if (waiting) {
      setTimeout(() => document.querySelector(".messages")?.append(waiting.content.cloneNode(true)), WAIT_MILLISECONDS);
    }
  });
}
addEventListener("pageshow", () => document.querySelectorAll("form").forEach((form) => delete form.dataset.sent));

// "Tick all" boxes.
for (const all of document.querySelectorAll("input[data-ticks]")) {
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of document.querySelectorAll(`input[name="${all.dataset.ticks}"]`)) box.checked = all.checked;
  });
}

// "Copy" buttons: each copies the text of the field that it names.
for (const button of document.querySelectorAll("button[data-copies]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", () => navigator.clipboard.writeText(document.getElementById(button.dataset.copies).value));
}

// Keys: an element with data-key is clicked by its key, where nothing is being typed.
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select")) return;
  const wanted = [...document.querySelectorAll("[data-key]")].find((each) => each.dataset.key === event.key);
  if (wanted) {
    event.preventDefault();
    wanted.click();
  }
});

// Progress of work in the background: asked for again until it has ended.
const POLL_MILLISECONDS = 2000;
async function poll() {
  const shown = document.querySelector("#progress[data-poll]");
  if (!shown) return;
  const answer = await fetch(shown.dataset.poll).catch(() => null);
  const page = answer?.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
  const next = page?.querySelector("#progress");
  if (next && !next.dataset.poll) location.reload();
  else if (next && next.outerHTML !== shown.outerHTML) shown.replaceWith(document.adoptNode(next));
  setTimeout(poll, POLL_MILLISECONDS);
}
setTimeout(poll, POLL_MILLISECONDS);

// A page that waits is asked for again, and is left only once there is something else to see.
async function look(waiting) {
  const answer = await fetch(location.href, { redirect: "manual" }).catch(() => null);
  if (answer?.type === "opaqueredirect") return location.assign(waiting.dataset.waits);
  const page = answer && new DOMParser().parseFromString(await answer.text(), "text/html");
  if (page && !page.querySelector("[data-waits]")) location.reload();
  else setTimeout(look, POLL_MILLISECONDS, waiting);
}
const waits = document.querySelector("[data-waits]");
if (waits) setTimeout(look, POLL_MILLISECONDS, waits);
