"use strict";
const runs = document.querySelector("#runs-table");
const panel = document.querySelector("#compare");
if (runs && panel && runs.tBodies[0].rows.length > 1) {
  const chosen = [];
  const cell = (tag, text, name) => {
    const made = document.createElement(tag);
    made.textContent = text;
    if (name) made.className = name;
    return made;
  };
  const write = (value) => (value < 0 ? "−" : value > 0 ? "+" : "±") + Math.abs(value).toFixed(1);
  const number = (text) => (text === undefined || text === "" ? NaN : Number(text));
  const verdict = (a, b, titles) => {
    const [low, high] = [number(a.dataset.low), number(a.dataset.high)];
    const [other, top] = [number(b.dataset.low), number(b.dataset.high)];
    if ([low, high, other, top].some(Number.isNaN)) return "no interval here";
    if (low <= top && other <= high) return "tied: the intervals overlap";
    const first = (low > top) === (a.dataset.higher !== "no");
    return `${titles[first ? 0 : 1]} is ahead`;
  };
  const line = (label, a, b, titles) => {
    const made = document.createElement("tr");
    const heading = cell("th", label);
    heading.scope = "row";
    const [x, y] = [number(a.dataset.value), number(b.dataset.value)];
    const gap = Number.isNaN(x - y) ? "–" : write(y - x);
    const shown = [a, b].map((from) => {
      const copy = cell("td", "", "num");
      copy.append(...[...from.childNodes].map((node) => node.cloneNode(true)));
      return copy;
    });
    made.append(heading, ...shown, cell("td", gap, "num"), cell("td", verdict(a, b, titles)));
    return made;
  };
  const lines = (table, names, titles) => {
    if (!table) return [];
    const rows = names.map((name) => [...table.tBodies[0].rows].find((row) => row.dataset.row === name));
    if (rows.some((row) => !row)) return [];
    const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
    return heads.map((head, at) => [head, rows[0].cells[at], rows[1].cells[at]])
      .filter(([head, a, b]) => head.dataset.label && (a.dataset.value || b.dataset.value))
      .map(([head, a, b]) => line(head.dataset.label, a, b, titles));
  };
  const show = () => {
    panel.hidden = chosen.length !== 2;
    if (panel.hidden) return;
    const names = chosen.map((box) => box.closest("tr").dataset.row);
    const titles = chosen.map((box) => box.closest("tr").querySelector(".name").textContent);
    const table = panel.querySelector("table");
    table.tHead.rows[0].replaceChildren(...["", ...titles, "Difference", "Verdict"].map((text, at) => {
      const made = cell("th", text, at > 0 && at < 4 ? "num" : "");
      made.scope = "col";
      return made;
    }));
    table.tHead.rows[0].cells[0].append(cell("span", "Metric or task", "hidden"));
    table.tBodies[0].replaceChildren(...lines(runs, names, titles),
      ...lines(document.querySelector("#tasks-table"), names, titles));
    panel.querySelector("[role=status]").textContent = `${titles[0]} against ${titles[1]}`;
  };
  for (const row of runs.tBodies[0].rows) {
    const label = document.createElement("label");
    const box = document.createElement("input");
    box.type = "checkbox";
    label.className = "pick";
    label.append(box, cell("span", `compare ${row.querySelector(".name").textContent}`, "hidden"));
    box.addEventListener("change", () => {
      if (box.checked) chosen.push(box);
      else chosen.splice(chosen.indexOf(box), 1);
      if (chosen.length > 2) chosen.shift().checked = false;
      show();
    });
    row.cells[0].prepend(label);
  }
  for (const note of document.querySelectorAll(".only-scripts")) note.hidden = false;
}
const open = () => {
  const found = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (found && found.tagName === "DETAILS") found.open = true;
};
window.addEventListener("hashchange", open);
open();
