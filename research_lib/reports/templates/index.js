"use strict";
// Sorting and filtering; without it the tables stand in order of name, whole.
const tables = [...document.querySelectorAll("table.reports")];
const rows = tables.flatMap((table) => [...table.tBodies[0].rows]);

function sortBy(table, column, header) {
  const ascending = header.getAttribute("aria-sort") !== "ascending";
  const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
  const compare = (a, b) => key(a).localeCompare(key(b), "en", { numeric: true });
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const sorted = [...table.tBodies[0].rows].sort((a, b) => (ascending ? compare(a, b) : compare(b, a)));
  table.tBodies[0].append(...sorted);
}

for (const table of tables) {
  table.classList.add("sortable");
  [...table.tHead.rows[0].cells].forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = header.textContent;
    button.addEventListener("click", () => sortBy(table, column, header));
    header.replaceChildren(button);
  });
}

function labelled(text, control) {
  const label = document.createElement("label");
  label.append(text, control);
  return label;
}

const words = document.createElement("input");
words.type = "search";
const status = document.createElement("select");
const statuses = [...new Set(rows.map((row) => row.cells[1].textContent.trim()))].sort();
status.append(new Option("all", ""), ...statuses.map((one) => new Option(one, one)));
const shown = document.createElement("span");
shown.setAttribute("role", "status");

function filter() {
  const wanted = words.value.toLowerCase().split(/\s+/);
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    const right = !status.value || row.cells[1].textContent.trim() === status.value;
    row.hidden = !(right && wanted.every((word) => text.includes(word)));
  }
  shown.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} reports`;
  if (words.value || status.value) {
    for (const fold of document.querySelectorAll("details.sweep")) fold.open = !!fold.querySelector("tbody tr:not([hidden])");
  }
}

const controls = document.createElement("div");
controls.className = "controls";
controls.append(labelled("Words", words), labelled("Status", status), shown);
controls.addEventListener("input", filter);
tables[0].before(controls);
filter();
