"use strict";
addEventListener("load", () => {
  const found = [...document.querySelectorAll("iframe")].flatMap((frame) => {
    const inner = frame.contentWindow;
    if (inner.innerWidth !== Number(frame.width)) return [`${frame.width} became ${inner.innerWidth}`];
    const said = inner.document.documentElement.dataset.found;
    return said === "fine" ? [] : [`at ${frame.width}: ${said}`];
  });
  document.documentElement.dataset.found = found.join(" | ");
});
