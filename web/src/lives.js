// Life lines: for each unit that ever died, when it was dead. Most telling first: those that came back.
"use strict";

const MOST_LINES = 40;

function deadSpans(event, last) {
  return event.died.map((from, i) => [from, event.revived[i] ?? last, event.revived[i] === undefined]);
}

function lifeLine(run, event, last) {
  const width = 600;
  const x = (step) => (width * Math.min(step, last)) / last;
  const spans = deadSpans(event, last);
  const text = spans.map(([from, to, open]) => `dead from step ${from}${open ? " to the end" : ` to ${to}`}`).join(", ");
  const color = dark() ? "#ffa365" : "#9c3b00";
  const back = dark() ? "#16181a" : "#ffffff";
  const line = element("div", { class: "life" }, element("span", {}, `${run.censuses.layers[event.layer]} unit ${event.unit}`));
  const picture = element("span", { role: "img", "aria-label": text, title: text });
  picture.innerHTML =
    `<svg viewBox="0 0 ${width} 12" preserveAspectRatio="none" aria-hidden="true"><rect x="0" y="2" width="${width}" height="8" fill="#0072b2"/>` +
    spans.map(([from, to]) => `<rect x="${x(from)}" y="0" width="${Math.max(1, x(to) - x(from))}" height="12" fill="${back}"/><rect x="${x(from)}" y="4.5" width="${Math.max(1, x(to) - x(from))}" height="3" fill="${color}"/>`).join("") +
    "</svg>";
  line.append(picture);
  return line;
}

function drawLives(run) {
  const place = document.getElementById("lives");
  const note = document.getElementById("lives-note");
  place.replaceChildren();
  if (run.events.length === 0) {
    note.textContent = "No unit of this run was ever dead.";
    return;
  }
  const last = Math.max(1, run.censuses.step[run.censuses.step.length - 1]);
  const events = [...run.events].sort((a, b) => b.revived.length - a.revived.length || (a.died[0] === 0) - (b.died[0] === 0) || a.layer - b.layer);
  note.textContent =
    `${run.events.length} of the ${run.units} units of this run were dead at some time; ${run.events.filter((event) => event.revived.length > 0).length} of them came back. ` +
    `Wide blue: alive; thin orange: dead (confirmed on all ${study.data.train_examples} training examples). From step 0 to ${last}.` +
    (events.length > MOST_LINES ? ` The first ${MOST_LINES} are shown.` : "");
  for (const event of events.slice(0, MOST_LINES)) place.append(lifeLine(run, event, last));
}
