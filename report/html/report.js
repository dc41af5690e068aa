"use strict";
(() => {
  const doc = document;
  doc.documentElement.classList.add("js");
  const table = doc.getElementById("units");
  const find = (hash) => {
    let id = hash.slice(1);
    try { id = decodeURIComponent(id); } catch { /* a name with a % of its own */ }
    return doc.getElementById(id);
  };
  const jump = () => {
    const target = location.hash && find(location.hash);
    if (target && target.tagName === "DETAILS") {
      target.open = true;
      target.scrollIntoView();
    }
  };
  addEventListener("hashchange", jump);
  jump();
  if (!table) return;
  const body = table.tBodies[0], rows = [...body.rows], heads = [...table.tHead.rows[0].cells];
  const link = (row) => row.cells[0].firstChild;
  const details = new Map(rows.map((row) => [row, find(link(row).hash)]));
  const value = (row, at) => {
    const text = row.cells[at].textContent, number = parseFloat(text);
    return at === 0 || at === heads.length - 1 ? text : Number.isNaN(number) ? -1 : number;
  };
  heads.forEach((head, at) => head.querySelector("button").addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") !== "descending";
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    rows.sort((a, b) => {
      const x = value(a, at), y = value(b, at), order = x < y ? -1 : x > y ? 1 : 0;
      return down ? -order : order;
    });
    body.append(...rows);
  }));
  const shown = doc.getElementById("shown");
  doc.getElementById("filter").addEventListener("input", (event) => {
    const wanted = event.target.value.toLowerCase();
    let count = 0;
    for (const row of rows) {
      const hit = row.textContent.toLowerCase().includes(wanted), unit = details.get(row);
      row.hidden = !hit;
      if (unit) unit.hidden = !hit;
      count += hit;
    }
    shown.textContent = wanted ? `${count} of ${rows.length} units` : "";
  });
  const fold = (open) => () => details.forEach((unit) => { if (unit && !unit.hidden) unit.open = open; });
  doc.getElementById("open").addEventListener("click", fold(true));
  doc.getElementById("close").addEventListener("click", fold(false));
})();
