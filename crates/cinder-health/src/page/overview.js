// Fetches the part of the overview that changes, and changes what differs: texts where only they do, so that what
// somebody has selected or scrolled to stays; a card where it is another one.
"use strict";
const overview = document.getElementById("overview");
const stale = document.getElementById("stale");

function follow(shown, fresh) {
  if (shown.nodeType === Node.TEXT_NODE && fresh.nodeType === Node.TEXT_NODE) {
    if (shown.data !== fresh.data) shown.data = fresh.data;
    return;
  }
  if (shown.nodeName !== fresh.nodeName || shown.childNodes.length !== fresh.childNodes.length) {
    shown.replaceWith(fresh.cloneNode(true));
    return;
  }
  for (const { name, value } of fresh.attributes) {
    if (shown.getAttribute(name) !== value) shown.setAttribute(name, value);
  }
  // Both lists change while they are looked at.
  const pairs = Array.from(shown.childNodes, (one, at) => [one, fresh.childNodes[at]]);
  for (const [one, other] of pairs) follow(one, other);
}

async function refresh() {
  try {
    const answer = await fetch("overview", { cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(answer.statusText);
    const fresh = document.createElement("main");
    fresh.innerHTML = "\n" + await answer.text();
    if (fresh.childNodes.length === overview.childNodes.length) {
      follow(overview, fresh);
    } else {
      overview.replaceChildren(...fresh.childNodes);
    }
    document.title = overview.querySelector("[data-title]").dataset.title;
    overview.dataset.refreshed = ""; // for whoever tests this page
    stale.hidden = true;
  } catch {
    stale.hidden = false;
  }
  setTimeout(refresh, 2000);
}

setTimeout(refresh, 2000);
