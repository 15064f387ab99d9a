// Spares the reload: asks whether the phone has answered, and follows the page's own link when it has.
"use strict";
const link = document.querySelector("[data-state]");
const ask = async () => {
  try {
    const answer = await fetch(link.dataset.state, { cache: "no-store" });
    if (answer.ok && (await answer.json()).open) {
      setTimeout(ask, 1000);
      return;
    }
  } catch {
    setTimeout(ask, 3000);
    return;
  }
  location.replace(link.href);
};
if (link) setTimeout(ask, 1000);
