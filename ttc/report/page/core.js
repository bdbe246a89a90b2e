// What all sections share: unpacking, elements, tables, controls, colours. No section knows another.
window.ttc = window.ttc || {};
(function (ttc) {
  "use strict";

  /** The content of a packed block, by its id. */
  ttc.unpack = async function (id) {
    const letters = atob(document.getElementById(id).textContent);
    const bytes = Uint8Array.from(letters, (one) => one.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  };

  /** An element with attributes (a function listens) and children; texts are text, whatever is in them. */
  ttc.el = function (tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (typeof value === "function") element.addEventListener(name, value);
      else if (value === true) element.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
    return element;
  };
  const el = ttc.el;

  /** A table as Python wrote it (ttc/report/page as_page); nothing where it has no rows. */
  ttc.table = function (table) {
    if (!table || !table.lines.length) return null;
    const side = (place) => (table.right[place] ? "right" : null);
    const cell = (text, place) =>
      el("td", { class: [side(place), text.length > 34 ? "long" : null].filter(Boolean).join(" ") || null }, ttc.visible(text, 4000));
    const head = el("tr", {}, table.heads.map((text, place) => el("th", { class: side(place) }, text)));
    const lines = table.lines.map((line, place) => el("tr", { class: table.bright[place] ? null : "dim" }, line.map(cell)));
    const caption = table.title ? [el("caption", {}, table.title)] : [];
    const drawn = el("table", {}, caption, el("thead", {}, head), el("tbody", {}, lines));
    return el("div", {}, el("div", { class: "scroll", tabindex: "0" }, drawn), table.notes.map((note) => el("p", { class: "note" }, ttc.visible(note, 4000))));
  };

  /** Buttons of which one is pressed. options: {value: label}. */
  ttc.choice = function (label, options, value, change) {
    const buttons = Object.entries(options).map(([own, text]) =>
      el("button", { type: "button", "data-value": own, "aria-pressed": String(own === value), click: () => press(own) }, text));
    function press(own) {
      buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.value === own)));
      change(own);
    }
    return el("span", { class: "choice", role: "group", "aria-label": label }, buttons);
  };

  /** A labelled list to choose from. options: [[value, label], ...]. */
  ttc.select = function (label, options, value, change) {
    const made = el("select", { "aria-label": label, change: () => change(made.value) },
      options.map(([own, text]) => el("option", { value: own, selected: String(own) === String(value) }, text)));
    return el("label", {}, label, made);
  };

  /** Line -> its colour: greedy is grey, for the others are compared with it. */
  ttc.colours = function (readings) {
    const found = new Map();
    let next = 0;
    for (const { line, strategy } of readings)
      if (!found.has(line)) found.set(line, strategy === "greedy" ? "var(--c-greedy)" : `var(--c${next++ % 8})`);
    return found;
  };

  /** Independent paths: best_of_n, ours or search-and-learn's. */
  ttc.isPool = ({ strategy }) => strategy.endsWith("best_of_n");

  const DASHES = { weighted: null, best: "1.5 3", majority: "8 3 2 3", oracle: "6 5" };
  ttc.dash = (vote) => (vote in DASHES ? DASHES[vote] : "3 2");

  ttc.percent = (share) => `${Math.round(100 * share)}%`;
  const minus = (text) => text.replace("-", "−");
  /** Points with their sign: +1.2. */
  ttc.signed = (points) => `${points < 0 ? "" : "+"}${minus(points.toFixed(1))}`;
  ttc.p = (value) => (value < 0.001 ? "< 0.001" : value.toFixed(3));
  ttc.axis = (value) => (value >= 1e4 ? d3.format(".3~s")(value) : value >= 100 ? String(Math.round(value)) : String(+value.toPrecision(3)));

  /** Draws a picture into an element as wide as it is, again whenever that changes. draw: width -> element. */
  ttc.fitted = function (element, draw) {
    let width = 0;
    const redraw = () => {
      width = Math.floor(element.clientWidth);
      if (width > 0) element.replaceChildren(draw(width));
    };
    new ResizeObserver(() => Math.floor(element.clientWidth) !== width && redraw()).observe(element);
    redraw();
    return redraw;
  };

  /** Sections, in the order of the page: {id, title, draw(element, study, shared)}; one that has nothing returns false. */
  ttc.sections = [];
})(window.ttc);
