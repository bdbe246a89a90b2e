// Where it fails: which problems are solved at which budget, what selection leaves lying, what was no answer at all.
(function (ttc) {
  "use strict";
  const el = ttc.el;
  const HEAD = 96, LEFT = 150;

  function draw(section, panel, shared) {
    section.append(...heatMap(panel, shared), el("div", { class: "grid" }, gap(panel, shared), calibration(panel)));
    section.append(...[panel.answers, ...panel.failed, ...panel.disagreements].map((table) => ttc.table(table)).filter(Boolean));
  }

  /** Problems x headlines on a canvas: 2,000 rows scroll as well as 20. */
  function heatMap(panel, shared) {
    const columns = panel.readings.filter((one) => one.headline && String(one.id) in panel.solved);
    if (!columns.length || !panel.problems.length) return [];
    const mean = (place) => d3.mean(columns, (one) => panel.solved[one.id][place]);
    const rows = panel.problems.map((problem, place) => ({ ...problem, place, mean: mean(place) }));
    const levels = [...new Set(rows.map((one) => one.level))].filter((level) => level !== null).sort((a, b) => a - b);
    const state = { sort: levels.length > 1 ? "level" : "solved", level: "all" };
    const canvas = el("canvas", { tabindex: "0", role: "img", "aria-label": "share of right answers, a row for each problem, a column for each reading; the answers section has the same figures" });
    const told = el("p", { class: "note", "aria-live": "polite" }, "Point at a cell; a click opens the problem's trees.");
    const box = el("div", { class: "map" }, canvas);
    let shown = [], wide = 30, row = 9;

    function paint() {
      const style = getComputedStyle(document.documentElement);
      const colour = (name) => style.getPropertyValue(name).trim();
      const fill = colour("--fill").split(" ").join(",");
      shown = rows.filter((one) => state.level === "all" || String(one.level) === state.level);
      const order = { level: (a, b) => a.level - b.level || b.mean - a.mean, solved: (a, b) => b.mean - a.mean, dataset: (a, b) => a.place - b.place };
      shown.sort(order[state.sort]);
      wide = Math.max(14, Math.min(46, Math.floor((box.clientWidth - LEFT - 44) / columns.length)));
      row = shown.length <= 60 ? 15 : 9;
      const [width, height, dense] = [LEFT + columns.length * wide + 40, HEAD + shown.length * row + 4, window.devicePixelRatio || 1];
      Object.assign(canvas, { width: width * dense, height: height * dense });
      Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
      const pen = canvas.getContext("2d");
      pen.scale(dense, dense);
      pen.font = "11px system-ui, sans-serif";
      columns.forEach((one, c) => {
        pen.fillStyle = colour("--muted");
        pen.save();
        pen.translate(LEFT + c * wide + wide / 2 + 4, HEAD - 6);
        pen.rotate(-Math.PI / 3);
        pen.fillText(ttc.visible(`${one.line}@${one.spot}`, 17), 0, 0);
        pen.restore();
      });
      shown.forEach((problem, r) => {
        const y = HEAD + r * row;
        pen.fillStyle = colour("--muted");
        pen.font = `${row > 9 ? 11 : 8.5}px system-ui, sans-serif`;
        pen.fillText(`${problem.level === null ? "" : `${problem.level} · `}${ttc.visible(problem.id, 20)}`, 4, y + row - (row > 9 ? 4 : 1.5), LEFT - 10);
        columns.forEach((one, c) => {
          const share = panel.solved[one.id][problem.place];
          pen.fillStyle = share === null ? colour("--panel") : `rgba(${fill}, ${0.07 + 0.93 * (share / 1000)})`;
          pen.fillRect(LEFT + c * wide, y, wide - 1, row - 1);
        });
      });
    }
    function at(event) {
      const frame = canvas.getBoundingClientRect();
      const problem = shown[Math.floor((event.clientY - frame.top - HEAD) / row)];
      const reading = columns[Math.floor((event.clientX - frame.left - LEFT) / wide)];
      return problem && reading ? [problem, reading] : null;
    }
    canvas.addEventListener("mousemove", (event) => {
      const found = at(event);
      if (!found) return;
      const share = panel.solved[found[1].id][found[0].place];
      told.textContent = ttc.visible(`${found[0].id}${found[0].level === null ? "" : `, level ${found[0].level}`}: ${found[1].label} solves it in ${share === null ? "no seed that was run" : `${share / 10} %`}`, 300);
    });
    canvas.addEventListener("click", (event) => { const found = at(event); if (found) shared.show(found[0].key, found[1]); });
    document.documentElement.addEventListener("theme", paint);
    new ResizeObserver(paint).observe(box);
    const set = (key) => (value) => { state[key] = value; paint(); };
    const sorts = { ...(levels.length > 1 ? { level: "level" } : {}), solved: "solved share", dataset: "dataset's order" };
    const controls = el("div", { class: "controls" }, ttc.choice("sorted by", sorts, state.sort, set("sort")),
      levels.length > 1 ? ttc.select("level", [["all", "all"], ...levels.map((one) => [one, one])], "all", set("level")) : null);
    const left = panel.left_out ? el("p", { class: "note" }, `${panel.left_out} more problems have no room here: evenly drawn ones are shown.`) : null;
    return [el("h3", {}, "Problems by budget"), controls, box, told, left].filter(Boolean);
  }

  /** pass@n against what was selected: the verifier's gap. */
  function gap(panel, { colours }) {
    const lines = [...new Set(panel.readings.filter((one) => one.strategy !== "greedy" && one.x.n !== null).map((one) => one.line))];
    const known = panel.readings.filter((one) => one.accuracy !== null && lines.includes(one.line));
    const find = (line, wanted) => known.filter((one) => one.line === line && wanted(one)).sort((a, b) => a.n - b.n);
    const rows = lines.flatMap((line) => find(line, (one) => one.headline).map((one) => {
      const bound = known.find((other) => other.line === line && other.n === one.n && other.vote === "oracle");
      return { line, n: one.n, chosen: one.accuracy, bound: bound ? bound.accuracy : one.n === 1 ? one.accuracy : null };
    })).filter((one) => one.bound !== null);
    if (!rows.some((one) => one.n > 1)) return null;
    const plot = el("div", { class: "plot" });
    const fill = (one) => colours.get(one.line);
    queueMicrotask(() => ttc.fitted(plot, (width) => Plot.plot({
      width, height: 250, marginLeft: 44, marginTop: 30, marginBottom: 38,
      fx: { label: null, tickFormat: (line) => ttc.visible(line, 24), domain: [...new Set(rows.map((one) => one.line))] }, x: { ...ttc.xAxis(rows.map((one) => one.n), "n", true, "n"), ticks: 4 },
      y: ttc.yAxis(rows.flatMap((one) => [one.chosen, one.bound])),
      marks: [
        Plot.areaY(rows, { fx: "line", x: "n", y1: "chosen", y2: "bound", fill, z: "line", fillOpacity: 0.14 }),
        Plot.lineY(rows, { fx: "line", x: "n", y: "bound", stroke: fill, z: "line", strokeDasharray: "5 4" }),
        Plot.lineY(rows, { fx: "line", x: "n", y: "chosen", stroke: fill, z: "line", strokeWidth: 2 }),
        Plot.tip(rows, Plot.pointer({ fx: "line", x: "n", y: "chosen", title: (one) => `${one.line} at ${one.n}\na right path among them: ${ttc.percent(one.bound)}\nselected: ${ttc.percent(one.chosen)}` })),
      ],
    })));
    return el("figure", {}, el("h3", {}, "What selection leaves lying"), plot, el("figcaption", {}, "dashed: a right path is among the n (pass@n, an upper bound); solid: the headline vote selects one"));
  }

  function calibration(panel) {
    return panel.calibration.map(({ title, bins }) => {
      const plot = el("div", { class: "plot" });
      queueMicrotask(() => ttc.fitted(plot, (width) => Plot.plot({
        width, height: 250, marginLeft: 44, marginBottom: 38, x: { domain: [0, 1], label: "score", labelAnchor: "center", labelArrow: "none", tickFormat: String, ticks: 5 }, y: { domain: [0, 1], label: "share right", labelArrow: "none", tickSize: 0, tickFormat: ttc.percent, grid: true },
        marks: [
          Plot.line([[0, 0], [1, 1]], { stroke: "var(--muted)", strokeDasharray: "2 4" }),
          Plot.rectY(bins, { x1: "low", x2: "high", y: "right", fill: "var(--c0)", fillOpacity: 0.25 }),
          Plot.dot(bins, { x: "mean", y: "right", r: (one) => one.count, fill: "var(--c0)" }),
          Plot.tip(bins, Plot.pointer({ x: "mean", y: "right", title: (one) => `score ${one.low} to ${one.high}\n${one.count} paths, ${ttc.percent(one.right)} right\nmean score ${one.mean.toFixed(3)}` })),
        ],
        r: { range: [2, 10] },
      })));
      return el("figure", {}, el("h3", {}, "Is the verifier calibrated?"), plot, el("figcaption", {}, title));
    });
  }

  ttc.sections.push({ id: "misses", title: "Where it fails", draw });
})(window.ttc);
