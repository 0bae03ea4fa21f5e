"use strict";
document.documentElement.classList.add("scripted");

const said = document.getElementById("said");
let silence;
function say(text) {
  said.textContent = text;
  clearTimeout(silence);
  silence = setTimeout(() => { said.textContent = ""; }, 6000);
}

// copy puts a text on the clipboard, and says so. Over plain http there is no clipboard API, but there is the older command.
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    const before = document.activeElement;
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    before?.focus?.();
    if (!done) return say(`Not copied, as the browser does not allow it:\n${text}`);
  }
  say(`Copied:\n${text}`);
}

const lines = rows => rows.map(row => [row.cells[0].textContent, row.dataset.case].filter(Boolean).join("\n")).join("\n");

// A table of points: its headings sort it, its points are buttons that copy, and controls above it filter it.
for (const table of document.querySelectorAll("table.points")) {
  const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells], rows = [...body.rows];
  const texts = rows.map(row => row.textContent.toLowerCase());
  const cell = (row, i) => row.cells[i].textContent;
  const collator = new Intl.Collator("en", { numeric: true });

  for (const [i, head] of heads.entries()) {
    const button = document.createElement("button");
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of heads) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const number = head.classList.contains("n"), sign = down ? -1 : 1;
      const keys = new Map(rows.map(row => [row, number ? parseFloat(cell(row, i)) : cell(row, i)]));
      const absent = key => number ? Number.isNaN(key) : key === "–";
      const compare = (a, b) => number ? a - b : collator.compare(a, b);
      const sorted = rows.toSorted((p, q) => {
        const a = keys.get(p), b = keys.get(q);
        return absent(a) - absent(b) || (absent(a) ? 0 : sign * compare(a, b));
      });
      body.append(...sorted);
    });
  }

  for (const row of rows) {
    const button = document.createElement("button");
    button.append(...row.cells[0].childNodes);
    button.title = "copy the point and its line for a config";
    row.cells[0].append(button);
  }
  body.addEventListener("click", event => {
    if (event.target.matches("th button")) copy(lines([event.target.closest("tr")]));
  });

  const filters = table.closest(".wide").previousElementSibling;
  const label = (text, control) => {
    const l = document.createElement("label");
    l.append(text, control);
    filters.append(l);
    return control;
  };
  const words = label("words to find", document.createElement("input"));
  words.type = "search";
  const choices = [];
  for (const [i, head] of heads.entries()) {
    if (head.classList.contains("n") || i === 0) continue;
    const values = [...new Set(rows.map(row => cell(row, i)))].sort(collator.compare);
    if (values.length < 2 || values.length > 24) continue;
    const select = label(head.textContent, document.createElement("select"));
    select.append(new Option("all", ""), ...values.map(v => new Option(v, "=" + v)));
    choices.push([i, select]);
  }
  const shown = document.createElement("output");
  filters.append(shown);
  const filter = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let n = 0;
    for (const [k, row] of rows.entries()) {
      row.hidden = !(wanted.every(word => texts[k].includes(word)) &&
        choices.every(([i, select]) => select.value === "" || select.value === "=" + cell(row, i)));
      n += !row.hidden;
    }
    shown.textContent = `${n} of ${rows.length} points`;
  };
  filters.addEventListener("input", filter);
  filters.hidden = false;
  filter();
}

// A figure: a point says what it is when a pointer is over it or the arrow keys are on it, and is copied by a click or Enter.
const tip = document.createElement("div");
tip.id = "tip";
tip.hidden = true;
tip.setAttribute("aria-hidden", "true");
document.body.append(tip);

function describe(mark) {
  const title = mark.querySelector("title");
  if (title) { // or the browser shows it too
    mark.setAttribute("aria-label", title.textContent);
    title.remove();
  }
  return mark.getAttribute("aria-label");
}

function show(mark) {
  tip.textContent = describe(mark);
  tip.hidden = false;
  const at = mark.getBoundingClientRect(), size = tip.getBoundingClientRect();
  const middle = at.width > 60 ? pointer.x : at.x + at.width / 2;
  tip.style.left = `${Math.max(4, Math.min(middle - size.width / 2, innerWidth - size.width - 4))}px`;
  tip.style.top = `${at.y - size.height > 4 ? at.y - size.height - 4 : at.bottom + 4}px`;
}

const pointer = { x: 0 };
for (const plot of document.querySelectorAll(".marks")) {
  const marks = [...plot.querySelectorAll("rect")];
  const rows = mark => mark.dataset.p.split(" ").map(n => document.getElementById(`${plot.dataset.section}p${n}`));
  const take = mark => copy(lines(rows(mark)));
  plot.setAttribute("tabindex", "0");
  plot.setAttribute("role", "application");
  plot.setAttribute("aria-roledescription", "figure; arrow keys go from point to point, Enter copies one");
  plot.addEventListener("pointerover", event => {
    pointer.x = event.clientX;
    if (event.target.matches("rect")) show(event.target); else tip.hidden = true;
  });
  plot.addEventListener("pointerleave", () => { tip.hidden = true; });
  plot.addEventListener("click", event => { if (event.target.matches("rect")) take(event.target); });

  let at = -1;
  const leave = () => { marks[at]?.classList.remove("at"); tip.hidden = true; };
  plot.addEventListener("blur", leave);
  plot.addEventListener("keydown", event => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step) {
      leave();
      at = at < 0 ? (step > 0 ? 0 : marks.length - 1) : (at + step + marks.length) % marks.length;
      marks[at].classList.add("at");
      pointer.x = marks[at].getBoundingClientRect().x;
      show(marks[at]);
      say(tip.textContent);
    } else if (event.key === "Enter" && at >= 0) {
      take(marks[at]);
    } else if (event.key === "Escape") {
      leave();
    } else {
      return;
    }
    event.preventDefault();
  });
}

addEventListener("beforeprint", () => { for (const d of document.querySelectorAll("details")) d.open = true; });
