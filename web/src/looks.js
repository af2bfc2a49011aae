// The look of each arm: a colour and a dash of its own, so that none is told from another by colour alone.
"use strict";

// Okabe and Ito's colours, told apart with any colour vision, made darker or lighter to stand out from the page (contrast of 3 and more).
// The control and the placebo come first, and are grey.
const PALETTES = {
  light: ["#000000", "#6b6b6b", "#0072b2", "#d55e00", "#00875f", "#b8588d", "#a87400", "#3a92cc", "#7d7000", "#6a3fb5"],
  dark: ["#ffffff", "#a6a6a6", "#429fe0", "#ff8640", "#22c795", "#e6a3cb", "#f2b32c", "#a5dcff", "#f0e442", "#b79bff"],
};
const DASHES = [[], [3, 3], [12, 4], [10, 3, 2, 3], [20, 4], [6, 3], [6, 3, 2, 3, 2, 3], [16, 3, 5, 3], [9, 9], [24, 3, 2, 3]];

let printing = false;

function dark() {
  return !printing && matchMedia("(prefers-color-scheme: dark)").matches;
}

const ink = () => (dark() ? "#e9e9e6" : "#1b1b1b");
const faint = () => (dark() ? "#34383b" : "#e2e2e2");
const colorOf = (arm) => PALETTES[dark() ? "dark" : "light"][arm % 10];
const dashOf = (arm) => DASHES[(arm + 3 * Math.floor(arm / 10)) % 10];

// A line as the chart draws it, for legends.
function swatch(arm) {
  const svg = `<svg viewBox="0 0 44 12" aria-hidden="true"><line x1="0" y1="6" x2="44" y2="6" stroke="${colorOf(arm)}" stroke-width="2.5" stroke-dasharray="${dashOf(arm).join(" ")}"/></svg>`;
  const holder = element("span", { class: "swatch" });
  holder.innerHTML = svg;
  return holder;
}

// Calls `draw` whenever what it drew with is another: the colours, the width, paper.
function redrawWith(draw) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  let lastWidth = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === lastWidth) return;
    lastWidth = innerWidth;
    draw();
  });
  for (const [name, now] of [["beforeprint", true], ["afterprint", false]])
    addEventListener(name, () => {
      printing = now;
      draw();
    });
}
