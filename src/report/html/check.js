"use strict";
{
  const at = (id) => document.getElementById(id);
  const [words, rule, file, by, shown, list] = ["words", "rule", "file", "by", "shown", "findings"].map(at);
  const severities = [...document.querySelectorAll(".severity")];
  const all = [...document.querySelectorAll("article")];
  // A text is made small once, when it is first looked for.
  const texts = new Map();
  const text = (one) => {
    if (!texts.has(one)) texts.set(one, one.textContent.toLowerCase());
    return texts.get(one);
  };
  const filter = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const severe = new Set(severities.filter((one) => one.checked).map((one) => one.value));
    let count = 0;
    for (const one of all) {
      const { dataset } = one;
      const fits = severe.has(dataset.severity) && (!rule.value || dataset.rule === rule.value) &&
        (!file.value || dataset.file === file.value) && wanted.every((word) => text(one).includes(word));
      one.hidden = !fits;
      if (fits) count += 1;
    }
    for (const section of list.children) section.hidden = !section.querySelector("article:not([hidden])");
    shown.textContent = count === all.length ? `all ${count} shown` : `${count} of ${all.length} shown`;
  };
  const group = () => {
    const groups = new Map();
    for (const one of all) {
      const key = one.dataset[by.value];
      if (!groups.has(key)) groups.set(key, []);
      groups.get(key).push(one);
    }
    const sections = [...groups].map(([key, ones]) => {
      const section = document.createElement("section");
      const [head, name, count] = ["h2", "code", "span"].map((tag) => document.createElement(tag));
      name.textContent = key;
      count.className = "dim";
      count.textContent = ones.length === 1 ? "1 finding" : `${ones.length} findings`;
      head.append(name, " ", count);
      section.append(head, ...ones);
      return section;
    });
    list.replaceChildren(...sections);
    filter();
  };
  const clear = () => {
    words.value = rule.value = file.value = "";
    for (const one of severities) one.checked = true;
    filter();
  };
  // To the next or the last finding that is shown.
  const step = (forward) => {
    const ones = [...list.querySelectorAll("article:not([hidden])")];
    const here = ones.indexOf(document.activeElement?.closest("article"));
    const one = here < 0 ? ones[0] : ones[here + (forward ? 1 : -1)];
    one?.focus();
    one?.scrollIntoView({ block: "nearest" });
  };
  if (words) {
    at("filter").hidden = false;
    words.addEventListener("input", filter);
    for (const one of [rule, file, ...severities]) one.addEventListener("change", filter);
    by.addEventListener("change", group);
    addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "Escape") clear();
      if (document.activeElement?.matches("input[type=search], select")) return;
      if (event.key === "/") {
        event.preventDefault();
        words.focus();
        words.select();
      }
      if (event.key === "j" || event.key === "k") step(event.key === "j");
    });
    document.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-rule]");
      if (link) {
        rule.value = link.dataset.rule;
        filter();
      }
    });
    // A link leads to its finding, whatever is filtered.
    addEventListener("hashchange", () => {
      const one = at(location.hash.slice(1));
      if (one?.hidden) clear();
    });
    filter();
  }
}
