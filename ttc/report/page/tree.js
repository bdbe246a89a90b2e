/* One search tree, drawn as it grew: `ttc.treeView(container, tree, options)`.

`tree` is what ttc/studies/tree.py describes. Options: `vote`, {vote, agg} to begin with (else the headline);
`onSelect`, called with {address, step, round, vote, agg} when the reader changed one of them. Returns `rounds`,
`setRound(k)` and `destroy()`. Views share nothing: any number may stand on one page. */
(function (ttc) {
  "use strict";

  const BEAT = 600; // milliseconds a round is shown when it plays
  const make = ttc.make;

  ttc.treeView = function (container, tree, options = {}) {
    const view = new View(container, tree, options);
    return {
      rounds: view.rounds,
      setRound: (round) => void view.setRound(round),
      destroy: () => view.destroy(),
    };
  };

  class View {
    constructor(container, tree, options) {
      const grown = ttc.grow(tree);
      Object.assign(this, { tree, options, rounds: grown.rounds, root: grown.root, tips: grown.tips });
      this.groups = ttc.groupsOf(tree.leaves);
      this.plot = make("div", "ttc-plot");
      this.element = make("div", "ttc-tree", make("div", "ttc-main", this.left(grown), this.side()));
      container.replaceChildren(this.element);
      this.drawing = new ttc.Drawing(this.plot, grown, tree.line);
      this.drawing.svg.on("click", (event) => this.choose(this.near(event), true));
      this.drawing.svg.on(
        "pointermove",
        (event) => (this.plot.title = this.near(event)?.mark.ariaLabel ?? ""),
      );
      this.plot.addEventListener("keydown", (event) => this.key(event));
      this.setVote(this.firstVote());
      this.setRound(this.rounds);
      this.select(this.root);
      this.watch = new ResizeObserver(() => this.resized());
      this.watch.observe(this.plot);
    }

    /** The scrubber, the picture, what its signs mean. */
    left(grown) {
      const { status, reason } = this.tree;
      const trouble = `search ${status}${reason ? `: ${reason}` : ""}`;
      this.button = ttc.button("ttc-play", () => this.play(), "Play");
      this.range = make("input", "");
      Object.assign(this.range, {
        type: "range",
        min: 0,
        max: this.rounds,
        step: 1,
        ariaLabel: "steps shown",
      });
      this.range.addEventListener("input", () => this.pause().setRound(+this.range.value).tell());
      this.shown = make("output", "");
      const controls = make("div", "ttc-controls", this.button, this.range, this.shown);
      const notes = status === "done" ? [] : [make("p", "ttc-note", trouble)];
      return make("div", "ttc-left", ...notes, controls, this.plot, ttc.legend(grown));
    }

    /** The vote, and the path that is selected. */
    side() {
      const { votes } = this.tree;
      this.voted = make("select", "", ...votes.map((vote) => make("option", "", ttc.voteText(vote))));
      this.voted.ariaLabel = "vote";
      this.voted.addEventListener("change", () => this.setVote(votes[this.voted.selectedIndex]).tell());
      this.result = make("div", "");
      this.path = make("section", "ttc-path");
      const title = make("h4", "", "Vote ", ...(votes.length ? [this.voted] : []));
      return make("div", "ttc-side", make("section", "ttc-votes", title, this.result), this.path);
    }

    /** The vote that was asked for, else the headline. */
    firstVote() {
      const { votes } = this.tree;
      const { vote, agg } = this.options.vote ?? {};
      const asked = votes.find((one) => one.vote === vote && (one.agg ?? null) === (agg ?? null));
      return asked ?? votes.find((one) => one.headline) ?? votes[0] ?? null;
    }

    resized() {
      const first = !this.sized;
      this.drawing.place(this.plot.clientWidth);
      this.sized = Boolean(this.drawing.width);
      if (first && this.sized) this.drawing.scrollTo(this.dot, true);
    }

    setRound(round) {
      this.round = Math.min(this.rounds, Math.max(0, Math.round(round) || 0));
      this.drawing.show(this.round);
      this.range.value = this.round;
      this.shown.textContent = `step ${this.round} of ${this.rounds}`;
      return this;
    }

    setVote(vote) {
      this.vote = vote;
      this.voted.selectedIndex = this.tree.votes.indexOf(vote);
      this.drawing.crown(vote);
      this.result.replaceChildren(
        ttc.verdict(vote),
        ttc.bars(this.groups, vote, (group) => this.pick(group)),
      );
      return this;
    }

    /** Goes to the next returned path of a group. */
    pick(group) {
      const dots = this.tips.filter((tip) => tip.leaf.group === group).map((tip) => tip.dot);
      this.choose(dots[(dots.indexOf(this.dot) + 1) % dots.length]);
    }

    select(dot) {
      this.drawing.select(this.dot, dot);
      this.dot = dot;
      if (dot.column > this.round) this.setRound(dot.column);
      this.path.replaceChildren(...ttc.pathOf(this.tree, dot));
    }

    /** The reader's choice, if it is one: selected, in sight, told. */
    choose(dot, focus = false) {
      if (!dot) return;
      this.select(dot);
      this.drawing.scrollTo(dot);
      const steps = this.path.querySelector(".ttc-steps");
      if (steps) steps.scrollTop = steps.scrollHeight;
      if (focus) dot.mark.focus({ preventScroll: true });
      this.tell();
    }

    tell() {
      const { node, column } = this.dot;
      const { vote = null, agg = null } = this.vote ?? {};
      const place = { address: node?.address ?? "", step: column ? column - 1 : null };
      this.options.onSelect?.({ ...place, round: this.round, vote, agg });
    }

    near(event) {
      const dot = this.drawing.near(event);
      return dot && dot.column <= this.round ? dot : null;
    }

    key(event) {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const { dot } = this;
      const column = this.drawing.columns[dot.column];
      const moves = {
        " ": () => void this.play(),
        ArrowLeft: () => dot.parent,
        ArrowRight: () => onwards(dot),
        ArrowUp: () => column[column.indexOf(dot) - 1],
        ArrowDown: () => column[column.indexOf(dot) + 1],
        Home: () => this.root,
        End: () => endOf(dot),
      };
      if (!Object.hasOwn(moves, event.key)) return;
      event.preventDefault();
      this.choose(moves[event.key](), true);
    }

    play() {
      if (this.timer) return this.pause();
      if (this.round === this.rounds) this.setRound(0).tell();
      this.button.textContent = "Pause";
      this.timer = setInterval(() => {
        this.setRound(this.round + 1).tell();
        if (this.round === this.rounds) this.pause();
      }, BEAT);
    }

    pause() {
      clearInterval(this.timer);
      this.timer = null;
      this.button.textContent = "Play";
      return this;
    }

    destroy() {
      this.pause();
      this.watch.disconnect();
      this.element.remove();
    }
  }

  /** The child that most returned paths run through. */
  const onwards = (dot) => d3.greatest(dot.children, (one) => one.returned);

  function endOf(dot) {
    while (dot.children.length) dot = onwards(dot);
    return dot;
  }
})((window.ttc = window.ttc || {}));
