/* A search tree as marks on a plane: a dot for every step, a tip for every returned path. It draws nothing.

A dot: node, text, score (null: none), share (where that lies on the colour scale, in percent), fate, parent, children, column (its place in the path, from 1; the problem is
0), row, returned (how many returned paths run through it), tips (of paths that end in it). */
(function (ttc) {
  "use strict";

  /** Plants stored nodes below the problem and gives each step its column and row. */
  ttc.grow = function (tree) {
    const root = dot(null, null, "", null, "problem");
    const dots = [root];
    const ends = new Map(); // address -> the last step of that draw
    for (const node of tree.nodes) {
      let last = ends.get(node.parent) ?? root; // parents come first; who has none hangs at the problem
      const texts = node.texts.length ? node.texts : [""];
      for (const [i, text] of texts.entries()) {
        const fate = i === texts.length - 1 ? endOf(node) : node.fate === "cut" ? "cut" : "kept";
        last = dot(last, node, text, node.scores[i] ?? null, fate);
        dots.push(last);
      }
      ends.set(node.address, last);
    }
    const tips = tree.leaves.map((leaf) => ({ leaf, dot: ends.get(leaf.address) ?? root }));
    for (const tip of tips) {
      tip.dot.tips.push(tip);
      for (let at = tip.dot; at; at = at.parent) at.returned++;
    }
    const rounds = d3.max(dots, (one) => one.column);
    const [low, high] = range(dots);
    const share = (score) => Math.round((100 * (score - low)) / (high - low || 1));
    for (const one of dots) one.share = one.score === null ? null : share(one.score);
    return { root, dots, tips, rounds, rows: rowsOf(root, rounds), low, high };
  };

  function dot(parent, node, text, score, fate) {
    const column = parent ? parent.column + 1 : 0;
    const made = { node, text, score, fate, parent, column, children: [], tips: [], returned: 0 };
    parent?.children.push(made);
    return made;
  }

  /** A path that was over and lost its place is told apart. */
  const endOf = ({ fate, returned }) => (returned || ["kept", "cut", "unsure"].includes(fate) ? fate : "lost");

  /** Sets every row, a parent's amid its children's, and returns how many there are. A returned path holds its row up
  to the last column, where all tips stand. */
  function rowsOf(root, rounds) {
    const tips = (mark) => (mark.tips ?? []).map((tip) => tipBehind(tip, rounds));
    const branches = (mark) => mark.next ?? [...(mark.children ?? []), ...tips(mark)];
    const hierarchy = d3.tree().nodeSize([1, 1]).separation(apart)(d3.hierarchy(root, branches));
    const top = d3.min(hierarchy, (place) => place.x);
    hierarchy.each((place) => ((place.data.tip ?? place.data).row = place.x - top));
    return 1 + d3.max(hierarchy, (place) => place.x - top);
  }

  /** Answers need a line each; what was discarded at once may stand closer. */
  const apart = (a, b) =>
    a.data.tip && b.data.tip ? 1 : a.data.fate === "cut" && b.data.fate === "cut" ? 0.62 : 0.85;

  function tipBehind(tip, rounds) {
    let mark = { tip };
    for (let column = rounds; column > tip.dot.column; column--) mark = { next: [mark] };
    return mark;
  }

  /** The ends of the colour scale: 0 and 1 where all scores lie between them. */
  function range(dots) {
    const [low, high] = d3.extent(dots, (one) => one.score);
    return low === undefined || (low >= 0 && high <= 1) ? [0, 1] : [low, high];
  }
})((window.ttc = window.ttc || {}));
