"use strict";
const rows = [...document.querySelectorAll(".samples tbody tr")];
const form = document.querySelector(".choose");
const { last, lost, text } = form.elements;
const status = form.querySelector("[role=status]");
const fits = (row) =>
  (!last?.value || row.dataset.last === last.value) &&
  (!lost?.value || (lost.value === "some" ? row.dataset.lost !== "" : [row.dataset.lost, row.dataset.how].includes(lost.value))) &&
  (!text.value || row.textContent.toLowerCase().includes(text.value.toLowerCase()));
const choose = () => {
  let shown = 0;
  for (const row of rows) shown += !(row.hidden = !fits(row));
  status.textContent = `${shown} of ${rows.length}`;
};
const asked = new URLSearchParams(location.hash.slice(1));
for (const control of form.elements) if (asked.has(control.name)) control.value = asked.get(control.name);
form.addEventListener("input", choose);
form.addEventListener("submit", (event) => event.preventDefault());
form.hidden = false;
choose();
