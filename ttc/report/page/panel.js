/* What stands beside a tree: what the selected vote chose, the path up to the selected step; and all its words. */
(function (ttc) {
  "use strict";

  const ROWS = 12; // groups of equal answers that are shown
  const MOST = 4000; // characters of any other text
  const SHORT = 15; // characters of an answer in the picture
  const NOTHING = { "-1": "no path states an answer", "-2": "no answered path has a score" };
  const RIGHT = new Map([
    [true, { sign: "✓", word: "right", look: "ttc-good" }],
    [false, { sign: "✗", word: "wrong", look: "ttc-bad" }],
  ]);
  const UNKNOWN = { sign: "–", word: "not graded", look: "ttc-unknown" };

  /** What became of a step, in words. */
  ttc.FATES = {
    kept: "went on",
    cut: "discarded",
    over: "finished",
    length: "out of tokens",
    blank: "ended blank",
    unsure: "ended, unsure",
    lost: "finished, not returned",
  };

  /** Right, wrong or neither: a sign that reads without colour, a word, a class. */
  ttc.judged = (right) => RIGHT.get(right) ?? UNKNOWN;

  /** A score, a sum of scores or a count, as the report's tables write them. */
  ttc.number = function (value) {
    if (typeof value !== "number") return "–";
    return Number.isInteger(value) ? value.toLocaleString("en") : value.toFixed(3);
  };

  /** An element; a string among its children becomes a text node. */
  ttc.make = function (name, className, ...children) {
    const element = document.createElement(name);
    if (className) element.className = className;
    element.append(...children.map((child) => (child instanceof Node ? child : ttc.visible(child, MOST))));
    return element;
  };
  const make = ttc.make;

  ttc.button = function (className, act, ...children) {
    const button = make("button", className, ...children);
    button.type = "button";
    button.addEventListener("click", act);
    return button;
  };

  const isNone = (answer) => answer === null || answer === undefined;
  const signOf = (right) => make("span", ttc.judged(right).look, ttc.judged(right).sign);

  function answerOf(answer) {
    if (isNone(answer)) return make("span", "ttc-none", "no answer");
    const element = make("span", "ttc-answer");
    ttc.typesetAnswer(element, answer);
    return element;
  }

  /** A returned path in one short line. */
  ttc.tipText = function ({ answer, right, finish }) {
    const said = isNone(answer) ? "no answer" : ttc.plain(answer);
    const short = said.length > SHORT ? `${said.slice(0, SHORT - 1)}…` : said;
    return `${ttc.judged(right).sign} ${short}${["length", "blank", "unsure"].includes(finish) ? ` (${finish})` : ""}`;
  };

  /** A vote in a list of votes. */
  ttc.voteText = function (vote) {
    const notes = [vote.headline && "headline", vote.upper_bound && "upper bound"].filter(Boolean);
    const name = vote.agg ? `${vote.vote} (${vote.agg})` : vote.vote;
    return [`${name} ${ttc.judged(vote.right).sign}`, ...notes].join(" · ");
  };

  /** The signs of the fates that a tree has, and the scale of its scores. */
  ttc.legend = function ({ dots, low, high }) {
    const there = new Set(dots.map((dot) => dot.fate));
    const fates = Object.keys(ttc.FATES).filter((fate) => there.has(fate));
    const signs = fates.map((fate) => make("span", "", ttc.signOfFate(fate), ttc.FATES[fate]));
    const ends = [`score ${ttc.number(low)}`, make("i", ""), ttc.number(high)];
    const scored = dots.some((dot) => dot.share !== null);
    return make("div", "ttc-legend", ...signs, ...(scored ? [make("span", "ttc-scale", ...ends)] : []));
  };

  /** The leaves by their groups of equal answers: number -> {number, answer, right, count}. */
  ttc.groupsOf = function (leaves) {
    const groups = new Map();
    for (const { group, answer, right } of leaves) {
      const first = { number: group, answer: group < 0 ? null : answer, right, count: 0 };
      groups.set(group, groups.get(group) ?? first).get(group).count++;
    }
    return groups;
  };

  /** One line: what the vote (null: there is none) chose, and whether that is right. */
  ttc.verdict = function (vote) {
    if (!vote) return make("p", "ttc-note", "no vote: something of this search is missing");
    if (NOTHING[vote.winner]) return make("p", "ttc-verdict", `chose nothing: ${NOTHING[vote.winner]}`);
    const { sign, word, look } = ttc.judged(vote.right);
    return make(
      "p",
      "ttc-verdict",
      "chose ",
      answerOf(vote.answer),
      " ",
      make("span", look, `${sign} ${word}`),
    );
  };

  /** Bars of what each group of equal answers got by this vote, the chosen one first. A click calls `pick(number)`. */
  ttc.bars = function (groups, vote, pick) {
    const rows = [...groups.values()].map((group) => ({
      ...group,
      total: vote?.totals[group.number] ?? null,
      won: group.number >= 0 && group.number === vote?.winner,
    }));
    rows.sort(
      (a, b) => b.won - a.won || (b.total ?? -Infinity) - (a.total ?? -Infinity) || b.count - a.count,
    );
    const most = Math.max(...rows.map((row) => row.total)) || 1;
    const list = make("div", "ttc-bars", ...rows.slice(0, ROWS).map((row) => bar(row, most, pick)));
    if (rows.length > ROWS) list.append(make("p", "ttc-note", `and ${rows.length - ROWS} more answers`));
    return list;
  };

  function bar({ number, answer, right, count, total, won }, most, pick) {
    const fill = make("i", "");
    fill.style.width = `${(100 * Math.max(0, total)) / most}%`;
    const cells = [
      signOf(right),
      answerOf(answer),
      make("span", "ttc-track", fill),
      make("span", "ttc-total", total === null ? "" : ttc.number(total)),
      make("span", "ttc-count", `×${count}`),
    ];
    const look = `ttc-bar ${ttc.judged(right).look}${won ? " ttc-chosen" : ""}`;
    const row = ttc.button(look, () => pick(number), ...cells);
    row.title = `${won ? "chosen; " : ""}${count} path${count === 1 ? "" : "s"}: a click goes to the next`;
    return row;
  }

  /** The problem, or the steps from it to `dot`. */
  ttc.pathOf = function (tree, dot) {
    if (!dot.parent) return problem(tree);
    const steps = [];
    for (let at = dot; at.parent; at = at.parent) steps.unshift((at.item ??= stepOf(at)));
    for (const item of steps) item.classList.toggle("ttc-here", item === dot.item);
    const facts = [ttc.FATES[dot.fate] ?? dot.fate, `draw ${dot.node.address}`];
    if (!isNone(dot.node.tokens)) facts.push(`${ttc.number(dot.node.tokens)} tokens`);
    const ends = dot.tips.slice(0, 4).map((tip) => endOf(tip.leaf));
    return [headOf(`Step ${dot.column}`, facts), ...ends, make("ol", "ttc-steps", ...steps)];
  };

  const headOf = (title, facts) => make("h4", "", `${title} `, make("small", "", facts.join(" · ")));

  function endOf({ answer, right, scores }) {
    const each = Object.entries(scores ?? {}).map(([agg, score]) => `${agg} ${ttc.number(score)}`);
    const line = [
      "returned ",
      answerOf(answer),
      " ",
      signOf(right),
      " ",
      make("small", "", each.join(" · ")),
    ];
    return make("p", "ttc-end", ...line);
  }

  function stepOf(dot) {
    const text = make("div", "");
    if (dot.text.trim()) ttc.typeset(text, dot.text.trimEnd());
    else text.append(make("span", "ttc-none", "blank"));
    const colour = make("i", dot.share === null ? "ttc-unscored" : "");
    const score = make("span", "ttc-score", colour, dot.share === null ? "–" : dot.score.toFixed(3));
    const item = make("li", "", score, text);
    item.style.setProperty("--s", `${dot.share ?? 0}%`);
    return item;
  }

  function problem(tree) {
    const question = make("div", "ttc-question");
    ttc.typeset(question, tree.question ?? "(this folder does not have its question)");
    const facts = [tree.problem_id, isNone(tree.level) ? null : `level ${tree.level}`].filter(Boolean);
    const gold = isNone(tree.gold) ? [] : [make("p", "ttc-end", "gold answer ", answerOf(tree.gold))];
    return [headOf("The problem", facts), question, ...gold];
  }
})((window.ttc = window.ttc || {}));
