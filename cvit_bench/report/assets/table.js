"use strict";
for (const table of document.querySelectorAll("table[data-sortable]")) {
  const body = table.tBodies[0];
  const key = (row, at) => row.cells[at].dataset.value ?? row.cells[at].textContent.trim();
  const order = (heading) => {
    const { cellIndex: at, dataset: { sort: kind } } = heading;
    const first = kind === "number" ? "descending" : "ascending";
    const other = first === "ascending" ? "descending" : "ascending";
    const next = heading.getAttribute("aria-sort") === first ? other : first;
    const sign = next === "ascending" ? 1 : -1;
    const compare = (a, b) => (a === "") - (b === "") || sign * (kind === "number" ? a - b : a.localeCompare(b));
    body.append(...[...body.rows].sort((a, b) => compare(key(a, at), key(b, at))));
    for (const cell of heading.parentNode.cells) cell.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", next);
  };
  for (const heading of table.querySelectorAll("th[data-sort]")) {
    const button = document.createElement("button");
    button.append(...heading.childNodes);
    button.addEventListener("click", () => order(heading));
    heading.append(button);
  }
  const box = table.closest("section").querySelector(".filter");
  if (!box) continue;
  const [input, status] = [box.querySelector("input"), box.querySelector("[role=status]")];
  box.hidden = false;
  input.addEventListener("input", () => {
    const wanted = input.value.toLowerCase();
    for (const row of body.rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
    status.textContent = `${[...body.rows].filter((row) => !row.hidden).length} of ${body.rows.length}`;
  });
}
