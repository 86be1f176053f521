// Puts a fresh overview in the place of the old one, when it differs, without loading the page.
"use strict";
const overview = document.getElementById("overview");
const stale = document.getElementById("stale");
let shown = null;

async function refresh() {
  try {
    const answer = await fetch("overview", { cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(answer.statusText);
    const text = await answer.text();
    if (text !== shown) overview.innerHTML = text;
    shown = text;
    overview.dataset.refreshed = ""; // for whoever tests this page
    stale.hidden = true;
  } catch {
    stale.hidden = false;
  }
  setTimeout(refresh, 2000);
}

setTimeout(refresh, 2000);
