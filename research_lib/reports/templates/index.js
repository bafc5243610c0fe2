"use strict";
// Chips and words to filter by; without script the table stands whole.
const rows = [...document.querySelectorAll(".reports tr:not(.family)")].slice(1);
const study = (row) => row.parentElement.dataset.study;
const chips = {
  "all": () => true,
  ...Object.fromEntries([...new Set(rows.map(study))].map((name) => [name, (row) => study(row) === name])),
  "changed": (row) => "changed" in row.dataset,
  "not made": (row) => row.classList.contains("not-made"),
};
let chosen = "all";
const words = Object.assign(document.createElement("input"), { type: "search", placeholder: "words", ariaLabel: "Words" });

function filter() {
  const wanted = words.value.toLowerCase().split(/\s+/);
  for (const row of rows) {
    const text = `${study(row)} ${row.textContent}`.toLowerCase();
    row.hidden = !(chips[chosen](row) && wanted.every((word) => text.includes(word)));
  }
  for (const body of document.querySelectorAll(".reports tbody")) body.hidden = !body.querySelector("tr:not(.family):not([hidden])");
  for (const button of controls.querySelectorAll("button")) button.setAttribute("aria-pressed", button.dataset.name === chosen);
}

const controls = document.querySelector("#controls");
for (const [name, fits] of Object.entries(chips)) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: `${name} ${rows.filter(fits).length}` });
  button.dataset.name = name;
  button.addEventListener("click", () => { chosen = name; filter(); });
  controls.append(button);
}
words.addEventListener("input", filter);
controls.append(words);
filter();
