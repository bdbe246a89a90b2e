// The article's figures: majority; best of N by aggregation; the searches against it; by difficulty; compute-optimal.
(function (ttc) {
  "use strict";
  const el = ttc.el;
  const SIZE = { height: 270, marginLeft: 44, marginRight: 14, marginBottom: 38 };
  const byN = (one) => (one.x ? one.x.n : one.n);
  /** What a budget ended stands at no n. */
  const hasN = (one) => byN(one) !== null;
  const whole = (points) => points.flatMap((one) => [one.accuracy_low, one.accuracy_high]);

  function figure(title, caption, draw, wide) {
    const plot = el("div", { class: "plot" });
    const made = el("figure", { class: wide ? "wide" : null }, el("h3", {}, title), plot, el("figcaption", {}, caption));
    return [made, () => ttc.fitted(plot, draw)];
  }

  /** Lines over n. own: as ttc.linesOf makes them; keys: [[name, colour, dash]] for the legend below. */
  function overN(lines, look, more = {}) {
    const points = lines.flatMap((one) => one.points).filter(hasN);
    return (width) => Plot.plot({
      ...SIZE, width, ...more,
      x: ttc.xAxis(points.map(byN), "n", true, "n"), y: ttc.yAxis(whole(points)),
      marks: ttc.lineMarks(lines, { x: byN, faint: () => false, ...look }),
    });
  }
  const keys = (entries) => el("span", { class: "legend", "data-fixed": "" }, entries.map(([text, colour, dash]) =>
    el("span", {}, el("span", { class: "key", style: `border-color: ${colour}; border-top-style: ${dash ? "dashed" : "solid"}` }), ` ${text} `)));

  const VOTE_COLOURS = { weighted: "var(--c6)", best: "var(--c4)", majority: "var(--c5)" }; // not those of the first strategies
  const DASHED = (one) => (one.vote === "majority" ? "5 3" : null);

  function majority(panel, { colours }) {
    const lines = ttc.linesOf(panel.readings.filter(hasN), (one) => (ttc.isPool(one) && one.vote === "majority") || (one.strategy === "greedy" && one.headline));
    if (!lines.some((one) => one.points.length > 1)) return null;
    const colour = (line) => colours.get(line);
    const bold = lines.map((one) => ({ ...one, headline: true }));
    return figure("Majority vote", `The most frequent answer of n independent paths${bold.some((one) => one.strategy === "greedy") ? "; the dotted line is greedy" : ""}.`, overN(bold, { colour, dash: () => null }));
  }

  function aggregations(panel) {
    const by = d3.group(panel.aggregations, (one) => one.agg);
    if (!by.size || !panel.aggregations.some((one) => one.n > 1)) return null;
    const line = panel.aggregations[0].line;
    const rows = panel.aggregations.filter((one) => one.line === line);
    const plain = panel.readings.filter((one) => one.line === line && one.vote === "majority" && one.accuracy !== null);
    const majorities = [...by.keys()].flatMap((agg) => plain.map((one) => ({ ...one, agg })));
    const all = [...rows, ...majorities].filter((one) => ["weighted", "best", "majority"].includes(one.vote));
    const marks = d3.groups(all, (one) => one.vote).flatMap(([vote, own]) => [
      Plot.areaY(own, { fx: "agg", x: "n", y1: "accuracy_low", y2: "accuracy_high", z: null, fill: VOTE_COLOURS[vote], fillOpacity: vote === "majority" ? 0 : 0.1 }),
      Plot.lineY(own, { fx: "agg", x: "n", y: "accuracy", z: null, sort: "n", stroke: VOTE_COLOURS[vote], strokeWidth: 2, strokeDasharray: vote === "majority" ? "5 3" : null }),
    ]);
    const caption = el("span", {}, `${line}: what is done with the step scores of a path before it votes. `,
      keys(["weighted", "best", "majority"].map((vote) => [vote, VOTE_COLOURS[vote], vote === "majority"])));
    return figure("Best of N, vanilla and weighted, by aggregation", caption, (width) => Plot.plot({
      ...SIZE, width, fx: { label: null, domain: [...by.keys()] }, marginTop: 34,
      x: { ...ttc.xAxis(all.map(byN), "n", true, "n"), ticks: 4 }, y: ttc.yAxis(whole(all)), marks,
    }), true);
  }

  function searches(panel, { colours }) {
    const lines = ttc.linesOf(panel.readings.filter(hasN), (one) => (one.headline && one.strategy !== "greedy") || (ttc.isPool(one) && one.vote === "majority" && one.n > 1));
    if (!lines.some((one) => !ttc.isPool(one) && one.strategy !== "greedy")) return null;
    const caption = el("span", {}, "Headline votes at equal n; dashed: best_of_n by majority. ",
      keys([...new Set(lines.map((one) => one.line))].map((line) => [line, colours.get(line), false])));
    return figure("Searches against best of N", caption, overN(lines, { colour: (line) => colours.get(line), dash: (one) => (one.headline ? null : DASHED(one)) }));
  }

  function levels(panel, { colours }) {
    const rows = panel.levels.filter((one) => one.n > 1 || !panel.levels.some((other) => other.n > 1));
    if (!rows.length) return null;
    const own = [...new Set(panel.levels.map((one) => one.n))].filter((n) => rows.some((one) => one.n === n)).sort((a, b) => a - b);
    const tip = (one) => `${one.line} at ${one.n}, level ${one.level}\n${(100 * one.accuracy).toFixed(1)} % (${(100 * one.accuracy_low).toFixed(1)} to ${(100 * one.accuracy_high).toFixed(1)})\n${one.problems} problems`;
    const lines = [...new Set(rows.map((one) => one.line))];
    const caption = el("span", {}, "Headlines by the dataset's level, a row for each n; whiskers are 95 % intervals. ",
      keys(lines.map((line) => [line, colours.get(line), false])));
    const at = { x: "line", fx: "level", fy: "n" };
    return figure("By difficulty", caption, (width) => Plot.plot({
      width, height: 40 + 100 * own.length, marginLeft: 44, marginRight: 40, marginTop: 30,
      x: { axis: null, domain: lines, padding: 0.15 }, fx: { label: "level", labelArrow: "none", padding: 0.1 }, fy: { label: null, domain: own, tickFormat: (n) => `n=${n}` },
      y: { label: null, tickFormat: ttc.percent, tickSize: 0, grid: true, domain: [0, 1], ticks: 3 }, marginBottom: 36,
      marks: [
        Plot.barY(rows, { ...at, y: "accuracy", fill: (one) => colours.get(one.line), title: tip, tip: { format: { fx: false, fy: false, x: false, y: false, fill: false } } }),
        Plot.ruleX(rows, { ...at, y1: "accuracy_low", y2: "accuracy_high", stroke: "currentColor", strokeOpacity: 0.55 }),
        Plot.ruleY([0], { stroke: "var(--line)" }),
      ],
    }), true);
  }

  function optimal(panel) {
    if (!panel.optimal) return null;
    const { curve, axis, difficulty } = panel.optimal;
    const kinds = [["curve", "compute-optimal", "var(--c1)"], ["best", "best single strategy", "var(--c0)"]];
    const x = axis === "n" ? (one) => one.budget : (one) => one.curve_cost;
    const marks = kinds.flatMap(([key, , colour]) => [
      Plot.areaY(curve, { x, y1: `${key}_low`, y2: `${key}_high`, fill: colour, fillOpacity: 0.12 }),
      Plot.lineY(curve, { x, y: key, stroke: colour, strokeWidth: 2, strokeDasharray: key === "best" ? "5 3" : null }),
      Plot.dot(curve, { x, y: key, fill: colour }),
    ]);
    const values = curve.flatMap((one) => kinds.flatMap(([key]) => [one[`${key}_low`], one[`${key}_high`]]));
    const caption = el("span", {}, `Chosen by ${difficulty} on one half of the problems, measured on the other. `,
      keys(kinds.map(([key, text, colour]) => [text, colour, key === "best"])));
    return figure("Compute-optimal", caption, (width) => Plot.plot({ ...SIZE, width, x: ttc.xAxis(curve.map(x), axis.replace("_", " "), true, axis), y: ttc.yAxis(values), marks }));
  }

  function draw(section, panel, shared) {
    const made = [majority, searches, aggregations, levels, optimal].map((one) => one(panel, shared)).filter(Boolean);
    if (!made.length) return false;
    section.append(el("div", { class: "grid" }, made.map(([element]) => element)));
    made.forEach(([, start]) => start());
    if (panel.optimal) section.append(ttc.table(panel.optimal.choices) || "");
  }

  ttc.sections.push({ id: "figures", title: "Figures", draw });
})(window.ttc);
