"use strict";
(() => {
  const doc = document, root = doc.documentElement;
  root.classList.add("js");
  const table = doc.getElementById("units");
  if (!table) return;
  const body = table.tBodies[0], rows = [...body.rows], heads = [...table.tHead.rows[0].cells];
  const details = new Map([...doc.querySelectorAll("details[data-u]")].map((d) => [d.dataset.u, d]));
  const value = (row, at) => {
    const cell = row.cells[at];
    return cell.dataset.v !== undefined ? parseFloat(cell.dataset.v) : cell.textContent;
  };
  heads.forEach((head, at) => head.querySelector("button")?.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") !== "descending";
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    rows.sort((a, b) => {
      const x = value(a, at), y = value(b, at);
      const order = typeof x === "number" ? x - y : x < y ? -1 : x > y ? 1 : 0;
      return down ? -order : order;
    });
    body.append(...rows);
  }));
  const shown = doc.getElementById("shown");
  doc.getElementById("filter").addEventListener("input", (event) => {
    const wanted = event.target.value.toLowerCase();
    let count = 0;
    for (const row of rows) {
      const hit = row.textContent.toLowerCase().includes(wanted);
      row.hidden = !hit;
      const d = details.get(row.dataset.u);
      if (d) d.hidden = !hit;
      count += hit;
    }
    shown.textContent = `${count} of ${rows.length} units`;
  });
  const fold = (open) => () => details.forEach((d) => { if (!d.hidden) d.open = open; });
  doc.getElementById("open").addEventListener("click", fold(true));
  doc.getElementById("close").addEventListener("click", fold(false));
  const jump = () => {
    const target = location.hash.length > 1 && doc.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.tagName === "DETAILS") target.open = true;
  };
  addEventListener("hashchange", jump);
  jump();
})();
