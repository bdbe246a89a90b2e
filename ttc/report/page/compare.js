// Any two readings, paired by problem: the difference, its interval and test, and the problems each way.
(function (ttc) {
  "use strict";
  const el = ttc.el;
  const CLEAR = 0.5; // ttc/stats/paired.py

  /** {"a b": place in the columns of panel.pairs}. */
  const index = (pairs) => new Map(pairs.a.map((a, place) => [`${a} ${pairs.b[place]}`, place]));

  function draw(section, panel, shared) {
    const places = index(panel.pairs);
    const readings = panel.readings.filter((one) => String(one.id) in panel.solved);
    if (!places.size) return false;
    const byId = new Map(readings.map((one) => [String(one.id), one]));
    const state = start(panel, readings);
    const out = el("div", { id: "pair" });
    const options = readings.map((one) => [one.id, one.label]);
    const lists = {};
    for (const side of ["a", "b"]) lists[side] = ttc.select(side === "a" ? "compare" : "with", options, state[side], (id) => { state[side] = String(id); tell(); });
    section.append(el("p", { class: "note" }, "Paired by problem, seeds averaged first; the interval is a cluster bootstrap's over the problems. One test, not corrected for how many you look at."),
      el("div", { class: "controls" }, lists.a, lists.b), out);

    function tell() {
      const [a, b] = [byId.get(state.a), byId.get(state.b)];
      out.replaceChildren(...(a === b ? [el("p", { class: "result" }, "One reading with itself: nothing differs.")] : compared(a, b)));
    }
    function compared(a, b) {
      const forward = places.get(`${a.id} ${b.id}`), place = forward ?? places.get(`${b.id} ${a.id}`);
      if (place === undefined) return [el("p", { class: "result" }, "These two are not on the same problems, so nothing can be paired.")];
      const sign = forward === undefined ? -1 : 1;
      const figure = (key) => panel.pairs[key][place];
      const [low, high] = sign > 0 ? [figure("difference_low"), figure("difference_high")] : [-figure("difference_high"), -figure("difference_low")];
      const exact = figure("p_mcnemar");
      const words = `${a.label}, ${(100 * a.accuracy).toFixed(1)} %, against ${b.label}, ${(100 * b.accuracy).toFixed(1)} %: `;
      const result = el("p", { class: "result" }, words, el("strong", {}, `${ttc.signed(sign * figure("difference"))} points`),
        ` (${ttc.signed(low)} to ${ttc.signed(high)}), sign-flip p ${ttc.p(figure("p_sign_flip"))}`, exact === null ? "" : `, McNemar p ${ttc.p(exact)}`, ".");
      const bound = a.upper_bound || b.upper_bound ? el("p", { class: "note warning" }, "An upper bound has seen the gold answers: it is no result.") : null;
      return [result, bound, strip(a, b), problems(a, b)].filter(Boolean);
    }
    /** A bar a problem, sorted: how much better the first solves it. */
    function strip(a, b) {
      const rows = gaps(a, b).sort((one, other) => other.gap - one.gap).map((one, place) => ({ ...one, place }));
      const plot = el("div", { class: "plot" });
      queueMicrotask(() => ttc.fitted(plot, (width) => Plot.plot({
        width, height: 130, marginLeft: 46, marginBottom: 14,
        x: { axis: null, domain: [-0.5, rows.length - 0.5] }, y: { label: null, tickFormat: (value) => `${value > 0 ? "+" : ""}${ttc.percent(value)}`, ticks: 3, tickSize: 0, grid: true, domain: [-1, 1] },
        marks: [
          Plot.rectY(rows, { x1: (one) => one.place - 0.45, x2: (one) => one.place + 0.45, y: "gap", fill: (one) => (one.gap > 0 ? "var(--good)" : "var(--bad)") }),
          Plot.ruleY([0], { stroke: "var(--muted)" }),
          Plot.tip(rows, Plot.pointerX({ x: "place", y: "gap", title: (one) => `${ttc.visible(one.id, 60)}\n${ttc.percent(one.a)} against ${ttc.percent(one.b)}` })),
        ],
      })));
      return el("figure", {}, plot, el("figcaption", {}, "every problem, sorted by the difference of its mean correctness"));
    }
    const gaps = (a, b) => panel.problems.map((problem, place) => {
      const [own, other] = [panel.solved[a.id][place], panel.solved[b.id][place]];
      return own === null || other === null ? null : { ...problem, a: own / 1000, b: other / 1000, gap: (own - other) / 1000 };
    }).filter(Boolean);
    function problems(a, b) {
      const all = gaps(a, b);
      const list = (title, rows) => el("div", {}, el("h3", {}, `${title}: ${rows.length}`),
        el("div", { class: "ids" }, rows.map((one) => el("button", { type: "button", title: `${ttc.percent(one.a)} against ${ttc.percent(one.b)}`, click: () => shared.show(one.key, a, b) }, ttc.visible(one.id, 40)))));
      return el("div", { class: "columns" }, list(`better with ${a.label}`, all.filter((one) => one.gap >= CLEAR)), list(`better with ${b.label}`, all.filter((one) => one.gap <= -CLEAR)));
    }
    tell();
  }

  /** What is compared at first: another line's headline and best_of_n's, at the largest n that both have. */
  function start(panel, readings) {
    const heads = readings.filter((one) => one.headline);
    const base = heads.filter((one) => ttc.isPool(one));
    const pairs = heads.filter((one) => !ttc.isPool(one) && one.strategy !== "greedy")
      .flatMap((one) => base.filter((other) => other.spot === one.spot).map((other) => [one, other]));
    const [a, b] = pairs.sort((one, other) => other[0].n - one[0].n)[0] || [heads.at(-1) || readings[0], heads[0] || readings.at(-1)];
    return { a: String(a.id), b: String(b.id) };
  }

  ttc.sections.push({ id: "compare", title: "Compare", draw });
})(window.ttc);
