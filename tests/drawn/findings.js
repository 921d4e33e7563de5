"use strict";
{
  const found = [];
  const begun = performance.now();
  const all = [...document.querySelectorAll("article")];
  const shown = () => all.filter((one) => !one.hidden).length;
  const at = (id) => document.getElementById(id);
  const set = (id, value, event) => {
    at(id).value = value;
    at(id).dispatchEvent(new Event(event));
  };
  if (document.images.length || document.querySelectorAll("script").length !== 2) found.push("a text became an element");
  if (document.documentElement.scrollWidth > innerWidth) {
    found.push(`scrolls sideways: ${document.documentElement.scrollWidth} of ${innerWidth}`);
  }
  for (const one of document.querySelectorAll("input, select, [role=search], article")) {
    const named = (one.getAttribute("aria-labelledby") ?? "").split(" ").every((id) => at(id)?.textContent);
    if (!named && !one.ariaLabel && !one.labels?.length) found.push(`no label: ${one.outerHTML.slice(0, 60)}`);
  }
  for (const one of all.slice(0, 100)) {
    if (!one.querySelector("mark.here")) found.push(`nothing is marked: ${one.id}`);
  }
  const press = (key) => dispatchEvent(new KeyboardEvent("keydown", { key, cancelable: true }));
  if (at("words")) {
    if (at("filter").hidden) found.push("the filter is hidden");
    set("words", "no finding says this", "input");
    if (shown() !== 0) found.push("the filter lets everything through");
    if (document.querySelector("section:not([hidden]) > h2 > code")) found.push("an empty group is shown");
    set("words", all[0].querySelector("h3").textContent.toUpperCase(), "input");
    if (all[0].hidden) found.push("the filter hides what it names");
    press("Escape");
    if (shown() !== all.length) found.push("Escape does not bring all back");
    const { rule, file, severity } = all[0].dataset;
    set("rule", rule, "change");
    set("file", file, "change");
    const wanted = all.filter(({ dataset }) => dataset.rule === rule && dataset.file === file);
    if (shown() !== wanted.length || all[0].hidden) found.push("a choice of rule and file shows others");
    press("Escape");
    const box = document.querySelector(`.severity[value=${severity}]`);
    box.click();
    if (all.some((one) => one.dataset.severity === severity && !one.hidden)) found.push("a severity stays");
    press("Escape");
    set("by", "rule", "change");
    const heads = [...document.querySelectorAll("#findings section > h2 > code")].map((one) => one.textContent);
    if (heads.length !== new Set(all.map((one) => one.dataset.rule)).size) found.push(`grouped by rule: ${heads}`);
    if (document.querySelectorAll("article").length !== all.length) found.push("grouping loses findings");
    set("by", "file", "change");
    press("j");
    if (document.activeElement !== all[0]) found.push("j does not lead to a finding");
    document.activeElement.blur();
    press("/");
    if (document.activeElement !== at("words")) found.push("a slash does not lead to the filter");
  }
  for (const link of document.querySelectorAll("a[href^='#']")) {
    if (!document.querySelector(link.getAttribute("href"))) found.push(`leads nowhere: ${link.href}`);
  }
  const took = performance.now() - begun;
  if (took > 20000) found.push(`took ${took} ms`);
  document.documentElement.dataset.found = found.length ? found.slice(0, 5).join(" | ") : "fine";
}
