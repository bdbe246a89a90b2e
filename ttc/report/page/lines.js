// Accuracy against compute: a line with its band for every strategy, and what was found, in words.
(function (ttc) {
  "use strict";
  const el = ttc.el;

  /** Readings by line and vote, each from the one path that all searches start at. */
  ttc.linesOf = function (readings, wanted) {
    const known = readings.filter((one) => one.accuracy !== null);
    const starts = known.filter((one) => ttc.isPool(one) && one.n === 1 && one.headline);
    const words = (one) => one.line.split(" ").slice(1);
    const groups = d3.group(known.filter(wanted), (one) => one.line, (one) => one.vote);
    const found = [];
    for (const [line, votes] of groups)
      for (const [vote, own] of votes) {
        const start = own.some((one) => one.n === 1) ? [] : starts.filter((one) => words(one).every((word) => words(own[0]).includes(word)));
        const points = [...start.slice(-1), ...own].sort((a, b) => a.size - b.size);
        found.push({ line, vote, agg: own[0].agg, headline: own.some((one) => one.headline), strategy: own[0].strategy, points });
      }
    return found;
  };

  /** The marks of some lines. look: {x: reading -> number, colour: line -> colour, faint: line -> bool, dash}. */
  ttc.lineMarks = function (lines, look) {
    const marks = [];
    const alpha = (one) => (look.faint(one.line) ? 0.12 : one.headline ? 1 : 0.8);
    for (const one of lines) {
      const points = one.points.filter((point) => look.x(point) !== null);
      const stroke = look.colour(one.line, one.vote);
      if (one.strategy === "greedy") {
        marks.push(Plot.ruleY(points, { y: "accuracy", stroke, strokeDasharray: "1 3", strokeOpacity: alpha(one) }));
        marks.push(Plot.ruleX(points, { x: look.x, y1: "accuracy_low", y2: "accuracy_high", stroke, strokeOpacity: alpha(one) }));
        marks.push(Plot.dot(points, { x: look.x, y: "accuracy", fill: stroke, symbol: "diamond", r: 5, fillOpacity: alpha(one) }));
        continue;
      }
      const band = (one.headline ? 0.11 : 0.04) * (look.faint(one.line) ? 0.1 : 1);
      if (points.length === 1) marks.push(Plot.ruleX(points, { x: look.x, y1: "accuracy_low", y2: "accuracy_high", stroke, strokeOpacity: alpha(one) }));
      marks.push(Plot.areaY(points, { x: look.x, y1: "accuracy_low", y2: "accuracy_high", fill: stroke, fillOpacity: band, curve: "linear" }));
      marks.push(Plot.lineY(points, { x: look.x, y: "accuracy", stroke, strokeOpacity: alpha(one), strokeWidth: one.headline ? 2.4 : 1.5, strokeDasharray: look.dash ? look.dash(one) : ttc.dash(one.vote) }));
      marks.push(Plot.dot(points, { x: look.x, y: "accuracy", fill: stroke, fillOpacity: alpha(one), stroke: "var(--bg)", strokeWidth: 1, r: one.headline ? 4 : 3 }));
    }
    const shown = lines.filter((one) => !look.faint(one.line)).flatMap((one) => one.points).filter((point) => look.x(point) !== null);
    marks.push(Plot.tip(shown, Plot.pointer({ x: look.x, y: "accuracy", title: (point) => (point.tip || []).map((text) => ttc.visible(text, 200)).join("\n"), maxRadius: 60 })));
    return marks;
  };

  /** An x axis: powers of two for n, tokens as 1k, and log or linear. */
  ttc.xAxis = function (values, label, log, axis) {
    const known = values.filter((value) => value !== null && value > 0);
    const own = [...new Set(known)].sort((a, b) => a - b);
    const ticks = axis === "n" && own.length < 12 ? { ticks: own } : { ticks: 6 };
    const type = log && own.length > 1 ? { type: "log", base: 2 } : own.length > 1 ? { type: "linear", zero: false } : { type: "linear" };
    return { ...type, ...ticks, label, tickFormat: ttc.axis, labelAnchor: "center", labelArrow: "none", tickSize: 4 };
  };

  ttc.yAxis = (values) => ({ label: "accuracy", tickFormat: ttc.percent, grid: true, domain: limits(values), labelArrow: "none", tickSize: 0, ticks: 6 });
  function limits(values) {
    const low = d3.min(values), high = d3.max(values);
    return values.length ? [Math.max(0, low - 0.03), Math.min(1, high + 0.03)] : [0, 1];
  }

  function headline(section, panel, shared) {
    const { core, colours } = shared;
    const [first, ...others] = panel.findings;
    section.append(el("p", { class: "lead" }, first), ...others.map((text) => el("p", { class: "said" }, text)),
      ...panel.warnings.map((text) => el("p", { class: "note warning" }, ttc.visible(text))));
    const state = { x: "generated_tokens" in panel.axes ? "generated_tokens" : "n", log: true, votes: "headline", alone: null };
    const plot = el("div", { class: "plot" });
    const axes = { n: "n", generated_tokens: "tokens", tokens: "all tokens", flops: "FLOPs", seconds: "seconds" };
    const options = Object.fromEntries(Object.keys(panel.axes).map((key) => [key, axes[key]]));
    const set = (key) => (value) => { state[key] = value; redraw(); };
    section.append(el("div", { class: "controls" },
      ttc.choice("x axis", options, state.x, set("x")),
      ttc.choice("scale", { log: "log", linear: "linear" }, "log", (value) => set("log")(value === "log")),
      ttc.choice("votes", { headline: "headline", all: "all votes" }, "headline", set("votes"))));
    const legend = el("div", { class: "legend" });
    const references = core.references.filter((one) => !one.dataset || one.dataset === panel.dataset);
    section.append(legend, el("figure", {}, plot, el("figcaption", {},
      `${panel.title}; ${panel.sizes}; subset ${panel.subset}; bands are 95 % intervals. `,
      references.map((one) => `${one.name}: ${(100 * one.accuracy).toFixed(1)} % (${one.source}). `))));

    function draw(width) {
      const wanted = (one) => one.headline || (state.votes === "all" && one.n > 1);
      const lines = ttc.linesOf(panel.readings, wanted);
      const points = lines.flatMap((one) => one.points);
      const x = (one) => one.x[state.x];
      const values = [...points.flatMap((one) => [one.accuracy_low, one.accuracy_high]), ...references.map((one) => one.accuracy)];
      return Plot.plot({
        width, height: Math.max(280, Math.min(460, width * 0.52)), marginLeft: 46, marginRight: 16, marginBottom: 40,
        x: ttc.xAxis(points.map(x), panel.axes[state.x], state.log, state.x), y: ttc.yAxis(values),
        marks: [
          Plot.ruleY(references, { y: "accuracy", stroke: "var(--muted)", strokeDasharray: "6 4" }),
          Plot.text(references, { y: "accuracy", frameAnchor: "left", dx: 4, dy: -7, textAnchor: "start", text: (one) => ttc.visible(one.name, 60), fill: "var(--muted)" }),
          ...ttc.lineMarks(lines, { x, colour: (line) => colours.get(line), faint: (line) => state.alone !== null && line !== state.alone }),
        ],
      });
    }
    function drawLegend() {
      const drawn = [...new Set(panel.readings.filter((one) => one.headline && one.accuracy !== null).map((one) => one.line))];
      const alone = (line) => { state.alone = state.alone === line ? null : line; drawLegend(); redraw(); };
      legend.replaceChildren(...drawn.map((line) =>
        el("button", { type: "button", "data-line": line, "aria-pressed": String(state.alone === null || state.alone === line), title: "alone, or all again", click: () => alone(line) },
          el("span", { class: "key", style: `border-color: ${colours.get(line)}` }), ttc.visible(line, 120))));
      if (state.votes === "all") legend.append(...votes());
    }
    function votes() {
      const drawn = [...new Set(panel.readings.filter((one) => one.n > 1).map((one) => one.vote))];
      const svg = (vote) => Plot.plot({ width: 34, height: 12, margin: 2, axis: null, marks: [Plot.lineX([0, 1], { x: [0, 1], y: [0, 0], stroke: "currentColor", strokeDasharray: ttc.dash(vote) })] });
      return drawn.map((vote) => el("span", { class: "muted" }, svg(vote), ` ${vote}`));
    }
    const fitted = ttc.fitted(plot, draw);
    function redraw() { drawLegend(); fitted(); }
    drawLegend();
  }

  ttc.sections.push({ id: "study", title: "Study", draw: headline });
})(window.ttc);
