"use strict";
{
  const words = document.getElementById("words");
  const only = document.getElementById("only");
  const shown = document.getElementById("shown");
  const ways = [...document.querySelectorAll("article")];
  // The overview has a row for each way, in the same order.
  const rows = [...document.querySelectorAll(".overview tbody tr")];
  const filter = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    ways.forEach((way, at) => {
      const fits = wanted.every((word) => way.dataset.find.includes(word));
      way.hidden = rows[at].hidden = !fits || (only.checked && !("inverted" in way.dataset));
      if (!way.hidden) count += 1;
    });
    shown.textContent = count === ways.length ? `all ${count} shown` : `${count} of ${ways.length} shown`;
  };
  const clear = () => {
    words.value = "";
    only.checked = false;
    filter();
  };
  if (words) {
    document.getElementById("filter").hidden = false;
    words.addEventListener("input", filter);
    only.addEventListener("change", filter);
    addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "Escape") clear();
      if (event.key === "/" && document.activeElement !== words) {
        event.preventDefault();
        words.focus();
        words.select();
      }
    });
    // A link leads to its way, whatever is filtered.
    document.addEventListener("click", (event) => {
      const link = event.target.closest("a[href^='#way-']");
      const way = link && document.querySelector(link.getAttribute("href"));
      if (way && way.hidden) clear();
    });
    filter();
  }
  // On paper nothing can be opened.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of opened) one.open = false;
  });
}
