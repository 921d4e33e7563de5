"use strict";
{
  const words = document.getElementById("words");
  const only = document.getElementById("only");
  const shown = document.getElementById("shown");
  const all = [...document.querySelectorAll("[data-find]")];
  const filter = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const one of all) {
      const fits = wanted.every((word) => one.dataset.find.includes(word));
      one.hidden = !fits || (only.checked && !("inverted" in one.dataset));
      if (!one.hidden && one.localName === "article") count += 1;
    }
    shown.textContent = count === 1 ? "1 shown" : `${count} shown`;
  };
  document.getElementById("filter").hidden = false;
  words.addEventListener("input", filter);
  only.addEventListener("change", filter);
  filter();
}
