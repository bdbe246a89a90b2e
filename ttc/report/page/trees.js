// Search trees: a problem, a seed, and one strategy beside another; unpacked when they are asked for.
(function (ttc) {
  "use strict";
  const el = ttc.el;

  function draw(section, panel, shared) {
    const entries = panel.trees;
    if (!entries.length) return false;
    const first = entries[0];
    const guided = first.lines.find((line) => !/^(greedy|best_of_n)/.test(line));
    const state = { problem: first.key, seed: first.seed, lines: [guided || first.lines[0], null] };
    const picks = el("div", { class: "controls" }), pair = el("div", { class: "pair" });
    section.append(el("p", { class: "note" }, shared.core.trees_note), picks, pair);
    let drawn = [], asked = 0;

    const own = () => entries.filter((one) => one.key === state.problem);
    const entry = () => own().find((one) => one.seed === state.seed) || own()[0];
    const problems = [...new Map(entries.map((one) => [one.key, one])).values()];

    function pick() {
      const seeds = own().map((one) => [one.seed, one.seed]);
      const lines = entry().lines.map((line) => [line, ttc.visible(line, 120)]);
      const set = (change) => { change(); pick(); show(); };
      const step = (by) => set(() => {
        const place = problems.findIndex((one) => one.key === state.problem);
        state.problem = problems[(place + by + problems.length) % problems.length].key;
      });
      const label = (one) => `${ttc.visible(one.id, 60)}${one.level === null ? "" : ` (level ${one.level})`}`;
      picks.replaceChildren(
        el("button", { type: "button", "aria-label": "the problem before", click: () => step(-1) }, "‹"),
        ttc.select("problem", problems.map((one) => [one.key, label(one)]), state.problem, (key) => set(() => (state.problem = key))),
        el("button", { type: "button", "aria-label": "the next problem", click: () => step(1) }, "›"),
        seeds.length > 1 ? ttc.select("seed", seeds, entry().seed, (seed) => set(() => (state.seed = Number(seed)))) : "",
        ttc.select("tree", lines, state.lines[0], (line) => set(() => (state.lines[0] = line))),
        ttc.select("beside", [["", "none"], ...lines], state.lines[1] || "", (line) => set(() => (state.lines[1] = line || null))));
    }
    async function show() {
      const mine = ++asked, now = entry();
      const block = await ttc.unpack(now.block);
      if (mine !== asked) return; // somebody has chosen another meanwhile
      drawn.forEach((one) => one.destroy());
      const trees = state.lines.filter(Boolean).map((line) => block.trees.find((tree) => tree.line === line)).filter(Boolean);
      pair.className = trees.length > 1 ? "pair two" : "pair";
      pair.replaceChildren(...trees.map(() => el("div", { class: "tree-box" })));
      drawn = trees.map((one, place) => ttc.treeView(pair.children[place], one, {}));
    }
    /** Called from other sections: this problem, with these readings' lines if their trees are here. */
    shared.show = (key, a, b) => {
      if (problems.some((one) => one.key === key)) {
        state.problem = key;
        const there = entry().lines;
        const lines = [a, b].filter(Boolean).map((one) => one.line).filter((line) => there.includes(line));
        if (lines.length) state.lines = [lines[0], lines[1] && lines[1] !== lines[0] ? lines[1] : null];
        pick();
        show();
      }
      section.scrollIntoView({ behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
    };
    pick();
    new IntersectionObserver((seen, observer) => {
      if (seen.some((one) => one.isIntersecting)) { observer.disconnect(); if (!asked) show(); }
    }, { rootMargin: "400px" }).observe(section);
  }

  ttc.sections.push({ id: "trees", title: "Trees", draw });

  ttc.sections.push({
    id: "costs", title: "Costs",
    draw: (section, panel, { core }) => section.append(...[panel.costs, ...core.paid].map((table) => ttc.table(table)).filter(Boolean)),
  });
  ttc.sections.push({
    id: "origin", title: "Provenance",
    draw: (section, panel, { core }) => {
      section.append(...core.lines.flatMap(({ name, lines }) => [el("h3", {}, `${name}: the same again`), el("pre", {}, lines.map((line) => ttc.visible(line, 4000)).join("\n"))]));
      section.append(...core.launches.map((table) => ttc.table(table)).filter(Boolean));
    },
  });
})(window.ttc);
