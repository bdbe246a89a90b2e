/* The picture of a tree: an SVG whose groups are the rounds, so that a scrubber touches one class per round. */
(function (ttc) {
  "use strict";

  const LEFT = 20; // pixels before the problem
  const REACH = 18; // pixels from a dot that still mean it
  const circle = (area) => d3.symbol(d3.symbolCircle, area)();
  const square = d3.symbol(d3.symbolSquare, 60)();
  const SHAPES = {
    problem: circle(130),
    kept: circle(60),
    cut: circle(30),
    over: square,
    lost: square,
    length: "M-4,-5L5.5,0L-4,5Z",
    blank: d3.symbol(d3.symbolDiamond, 56)(),
    unsure: d3.symbol(d3.symbolTriangle, 50)(),
  };
  const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
  const percent = (dot) => `${dot.share ?? 0}%`;

  /** The sign of a fate, for a legend. */
  ttc.signOfFate = function (fate) {
    const svg = d3.create("svg").attr("viewBox", "-7 -7 14 14").attr("aria-hidden", "true");
    svg.append("path").attr("class", `ttc-dot ttc-${fate}`).attr("d", SHAPES[fate]).style("--s", "75%");
    return svg.node();
  };

  ttc.Drawing = class {
    /** Args: plot, an element that scrolls; grown, of ttc.grow; line, the tree's name. */
    constructor(plot, grown, line) {
      const width = plot.clientWidth; // read before there is much to lay out
      Object.assign(this, grown, { plot });
      this.columns = d3.range(this.rounds + 1).map(() => []);
      for (const dot of this.dots) this.columns[dot.column].push(dot);
      for (const column of this.columns) column.sort((a, b) => a.row - b.row);
      this.axis = d3.select(plot).append("svg").attr("class", "ttc-axis").attr("aria-hidden", "true");
      this.ticks = this.axis
        .selectAll("text")
        .data(d3.range(1, this.rounds + 1))
        .join("text")
        .text(String);
      this.svg = d3.select(plot).append("svg").attr("role", "tree").attr("aria-label", ttc.visible(line));
      this.drawEdges();
      this.drawTips();
      this.drawDots();
      this.groups = this.svg.selectAll(".ttc-round");
      this.place(width);
    }

    /** A group for each round, in it an element for each of the marks that `marksOf` gives of its dots. */
    layer(name, marksOf) {
      const all = this.svg.append("g").attr("role", "none").selectAll("g");
      const groups = all.data(this.columns).join("g").attr("role", "none").attr("class", "ttc-round");
      groups.each((_, round, nodes) => (nodes[round].round = round));
      return groups.selectAll(name).data(marksOf).join(name);
    }

    drawEdges() {
      this.edges = this.layer("path", (column) => column.filter((dot) => dot.parent));
      this.edges.attr("class", (dot) => (dot.returned ? "ttc-edge ttc-returned" : "ttc-edge"));
      const trunk = this.edges.filter((dot) => dot.returned > 1);
      trunk.style("stroke-width", (dot) => `${1.5 + Math.log2(dot.returned) * 0.7}px`);
      this.edges.each((dot, i, nodes) => (dot.edge = nodes[i]));
    }

    drawTips() {
      const tipsOf = (column) => column.flatMap((dot) => dot.tips);
      this.lines = this.layer("path", tipsOf).attr("class", "ttc-line");
      this.labels = this.layer("text", tipsOf).text((tip) => ttc.tipText(tip.leaf));
      this.labels.attr("class", (tip) => `ttc-tip ${ttc.judged(tip.leaf.right).look}`);
    }

    drawDots() {
      const scored = (dot) => (dot.share === null ? "ttc-unscored" : "ttc-scored");
      this.marks = this.layer("path", (column) => column)
        .attr("class", (dot) => `ttc-dot ttc-${dot.fate in SHAPES ? dot.fate : "kept"} ${scored(dot)}`)
        .attr("d", (dot) => SHAPES[dot.fate] ?? SHAPES.kept)
        .attr("role", "treeitem")
        .attr("aria-level", (dot) => dot.column + 1)
        .attr("aria-label", label)
        .style("--s", percent);
      this.marks.each((dot, i, nodes) => (dot.mark = nodes[i]));
    }

    /** Gives every mark its place in a plot of this width, in pixels. */
    place(width) {
      if (!width || width === this.width) return;
      this.width = width;
      const label = width < 560 ? 118 : 135;
      const across = clamp((width - LEFT - label) / (this.rounds + 0.5), 16, 120);
      const down = clamp(540 / this.rows, 12, 26);
      const right = LEFT + (this.rounds + 0.35) * across;
      const [wide, high] = [Math.max(width, right + label), (this.rows + 1) * down];
      for (const dot of this.dots) [dot.x, dot.y] = [LEFT + dot.column * across, (dot.row + 1) * down];
      for (const tip of this.tips) tip.y = (tip.row + 1) * down;
      this.svg.attr("viewBox", [0, 0, wide, high]).attr("width", wide).attr("height", high);
      this.axis.attr("viewBox", [0, 0, wide, 18]).attr("width", wide).attr("height", 18);
      this.ticks.attr("x", (round) => LEFT + round * across).attr("y", 13);
      const curve = d3.linkHorizontal();
      const line = (from, x, y) => curve({ source: [from.x, from.y], target: [x, y] });
      this.edges.attr("d", ({ parent, x, y }) => line(parent, x, y));
      this.lines.attr("d", ({ dot, y }) => `${line(dot, Math.min(dot.x + across / 2, right), y)}H${right}`);
      this.labels.attr("x", right + 6).attr("y", (tip) => tip.y);
      this.marks.attr("transform", ({ x, y }) => `translate(${x},${y})`);
      const [x, y] = [(dot) => dot.x, (dot) => dot.y];
      this.places = d3.quadtree(this.dots, x, y);
    }

    /** Shows what was drawn up to this round; what came later is faint. */
    show(round) {
      this.groups.classed("ttc-later", (_, i, nodes) => nodes[i].round > round);
    }

    /** Marks the paths to the group that won a vote. */
    crown(vote) {
      const isIt = ({ leaf }) => leaf.group >= 0 && leaf.group === vote?.winner;
      const won = new Set();
      for (const tip of this.tips.filter(isIt)) for (let at = tip.dot; at; at = at.parent) won.add(at);
      this.edges.classed("ttc-won", (dot) => won.has(dot));
      this.labels.classed("ttc-won", isIt);
      this.svg.attr("class", vote ? ttc.judged(vote.right).look : null);
    }

    /** Moves the selection, and with it the place where Tab enters the tree. */
    select(before, dot) {
      for (let at = before; at; at = at.parent) at.edge?.classList.remove("ttc-on");
      for (let at = dot; at; at = at.parent) at.edge?.classList.add("ttc-on");
      for (const name of ["tabindex", "aria-selected"]) before?.mark.removeAttribute(name);
      before?.mark.classList.remove("ttc-selected");
      d3.select(dot.mark).attr("tabindex", 0).attr("aria-selected", true).classed("ttc-selected", true);
    }

    /** Scrolls the plot, and nothing else, until the dot is in sight; or amid it. */
    scrollTo(dot, amid = false) {
      const { scrollLeft, scrollTop, clientWidth, clientHeight } = this.plot;
      if (amid) return this.plot.scrollTo(0, dot.y - clientHeight / 2);
      const seen = (at, from, room) => clamp(from, at - room + 50, at - 50);
      this.plot.scrollTo(seen(dot.x, scrollLeft, clientWidth), seen(dot.y, scrollTop, clientHeight));
    }

    /** The dot that a pointer means: of the answer below it, else the nearest. */
    near(event) {
      const tip = event.target.closest(".ttc-tip");
      if (tip) return d3.select(tip).datum().dot;
      return this.places?.find(...d3.pointer(event, this.svg.node()), REACH);
    }
  };

  function label(dot) {
    if (!dot.parent) return "the problem";
    const score = dot.share === null ? "no score" : `score ${dot.score.toFixed(3)}`;
    const answers = dot.tips.map(
      ({ leaf }) => `returned ${ttc.tipText(leaf)} ${ttc.judged(leaf.right).word}`,
    );
    return [`step ${dot.column}`, score, ttc.FATES[dot.fate] ?? ttc.visible(dot.fate), ...answers].join(", ");
  }
})((window.ttc = window.ttc || {}));
