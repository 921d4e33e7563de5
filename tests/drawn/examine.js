"use strict";
{
  const found = [];
  for (const picture of document.querySelectorAll("svg.pic")) {
    const frame = picture.getBoundingClientRect();
    const texts = [...picture.querySelectorAll("text")].map((text) => [text.textContent, text.getBoundingClientRect()]);
    texts.forEach(([words, box], at) => {
      if (box.right > frame.right + 1 || box.left < frame.left - 1 || box.bottom > frame.bottom + 1) {
        found.push(`outside: ${words}`);
      }
      for (const [other, its] of texts.slice(at + 1)) {
        const wide = Math.min(box.right, its.right) - Math.max(box.left, its.left);
        const high = Math.min(box.bottom, its.bottom) - Math.max(box.top, its.top);
        // Boxes are taller than letters.
        if (wide > 1 && high > 4) found.push(`overlap: ${words} / ${other}`);
      }
    });
  }
  if (document.documentElement.scrollWidth > innerWidth) {
    found.push(`scrolls sideways: ${document.documentElement.scrollWidth} of ${innerWidth}`);
  }
  for (const one of document.querySelectorAll("ol.clashes li")) {
    if (!one.querySelector("a[href^='#finding-']")) found.push(`no finding tells of it: ${one.textContent}`);
  }
  for (const one of document.querySelectorAll("input, [role=region], [role=img], [role=search], article")) {
    const named = (one.getAttribute("aria-labelledby") ?? "").split(" ").every((id) => document.getElementById(id)?.textContent);
    if (!named && !one.ariaLabel && !one.labels?.length) found.push(`no label: ${one.outerHTML.slice(0, 60)}`);
  }
  const words = document.getElementById("words");
  const press = (key) => dispatchEvent(new KeyboardEvent("keydown", { key, cancelable: true }));
  const shown = () => [...document.querySelectorAll("article")].filter((one) => !one.hidden).length;
  if (words) {
    const all = shown();
    words.value = "no route has this name";
    words.dispatchEvent(new Event("input"));
    if (shown() !== 0) found.push("the filter lets everything through");
    words.value = document.querySelector("article h3").textContent.toUpperCase();
    words.dispatchEvent(new Event("input"));
    if (shown() < 1 || shown() > all) found.push("the filter hides what it names");
    press("Escape");
    if (shown() !== all || words.value !== "") found.push("Escape does not bring all back");
    press("/");
    if (document.activeElement !== words) found.push("a slash does not lead to the filter");
  }
  for (const link of document.querySelectorAll("a[href]")) {
    if (!document.querySelector(link.getAttribute("href"))) found.push(`leads nowhere: ${link.href}`);
  }
  document.documentElement.dataset.found = found.length ? found.slice(0, 5).join(" | ") : "fine";
}
