// Elements, and numbers as the pages write them.
"use strict";

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function fixed(value, digits) {
  return value === null ? "-" : value.toFixed(digits);
}

function percent(value, digits = 1) {
  return value === null ? "-" : (100 * value).toFixed(digits) + "%";
}

function signed(value, digits) {
  return (value >= 0 ? "+" : "-") + Math.abs(value).toFixed(digits);
}
