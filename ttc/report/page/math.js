/* Text that a model wrote, with its maths typeset.

A model writes anything. So its text reaches the page as text nodes alone; only KaTeX, which is told to trust
nothing, makes elements of it. Characters that nobody would see (control characters, marks that turn the direction
of what follows) are spelled out. */
(function (ttc) {
  "use strict";

  const CUT = 4000; // characters shown before a click
  const LONG = 40000; // characters in which maths is looked for after it
  const FORMULA = 2000; // characters of one formula, at most
  const FORMULAS = 400; // typeset in one text, at most
  const KATEX = { trust: false, strict: "ignore", throwOnError: false, errorColor: "currentColor" };
  const LIMITS = { maxExpand: 500, maxSize: 10 };

  const UNSEEN = new RegExp(
    "[\\0-\\x08\\x0b-\\x1f\\x7f-\\x9f\\xad\\u061c\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e" +
      "\\u2060-\\u206f\\ud800-\\udfff\\ufeff\\ufff9-\\ufffb\\u{e0000}-\\u{e0fff}]",
    "gu",
  );
  const OPENER = "\\\\\\\\|\\\\\\$|\\$\\$?|\\\\[([]|\\\\boxed\\{"; // the first two open nothing: \\ and \$
  const PLAIN = [
    [/\$|\\left|\\right|\\[!,;]|\\text(bf|it|rm)?|\\mathrm/g, ""],
    [/\\sqrt\{(\w{1,9})\}/g, "√$1"],
    [/\\[dt]?frac\{([^{}]{1,20})\}\{([^{}]{1,20})\}/g, "$1/$2"],
    [/\\sqrt/g, "√"],
    [/\\pi(?![a-z])/g, "π"],
    [/\\theta(?![a-z])/g, "θ"],
    [/\\infty/g, "∞"],
    [/\^?\\circ|\^\{\\circ\}/g, "°"],
    [/\\cdot|\\times/g, "·"],
    [/\\cup/g, "∪"],
    [/\\%/g, "%"],
    [/\{([^{}]{1,40})\}/g, "$1"],
  ];
  const CLOSER = { $$: "$$", "\\(": "\\)", "\\[": "\\]" };

  /** The text with a name, ⟨U+202E⟩, in place of every character that nobody would see; no more than `most` of it. */
  function visible(text, most = Infinity) {
    const whole = String(text ?? "").replaceAll("\r\n", "\n");
    const shown = whole.length > most ? whole.slice(0, most) + rest(whole.length - most) : whole;
    const name = (sign) => `⟨U+${sign.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟩`;
    return shown.replace(UNSEEN, name);
  }
  const rest = (count) => `… (${count.toLocaleString("en")} more)`;
  ttc.visible = visible;

  /** Fills `element` with `text`: what $, $$, \(, \[ and \boxed{} hold is typeset, what is long waits for a click. */
  ttc.typeset = function (element, text) {
    const whole = visible(text);
    element.classList.add("ttc-text");
    if (whole.length <= CUT) return element.replaceChildren(...pieces(whole));
    const cut = whole.charCodeAt(CUT) >> 10 === 0x37 ? CUT - 1 : CUT; // not between the halves of a character
    const more = document.createElement("button");
    more.type = "button";
    more.className = "ttc-more";
    more.textContent = rest(whole.length - cut);
    more.addEventListener("click", () => {
      element.replaceChildren(...pieces(whole.slice(0, LONG)), whole.slice(LONG));
    });
    element.replaceChildren(...pieces(whole.slice(0, cut)), more);
  };

  /** Fills `element` with an answer, which is maths without its dollars where it looks like it. */
  ttc.typesetAnswer = function (element, answer) {
    const bare = /[\\^]/.test(answer) && !/\$|\\[()[\]]|\\boxed/.test(answer);
    ttc.typeset(element, bare ? `\\(${answer}\\)` : answer);
  };

  /** An answer as one line of plain text: what is often written in it becomes a sign. */
  ttc.plain = function (answer) {
    let text = visible(String(answer).slice(0, CUT));
    for (const [found, sign] of PLAIN) text = text.replace(found, sign);
    return text.replace(/\s+/g, " ").trim();
  };

  /** Strings and typeset formulas, in order. */
  function pieces(text) {
    const found = [];
    const opener = new RegExp(OPENER, "g");
    let done = 0;
    for (let open; found.length < 2 * FORMULAS && (open = opener.exec(text));) {
      const length = closedAfter(text.slice(open.index, open.index + FORMULA), open[0]);
      if (!length) continue;
      const whole = text.slice(open.index, open.index + length);
      found.push(text.slice(done, open.index), formula(whole, open[0]));
      done = opener.lastIndex = open.index + length;
    }
    return [...found, text.slice(done)];
  }

  /** How many characters the formula has that `text` begins with; 0: it begins with none. */
  function closedAfter(text, opener) {
    if (opener === "$") return closingDollar(text);
    if (opener === "\\boxed{") return closingBrace(text, opener.length);
    const closer = CLOSER[opener];
    const at = closer ? text.indexOf(closer, opener.length) : -1;
    return at > 0 && text.slice(opener.length, at).trim() ? at + closer.length : 0;
  }

  /** The next dollar closes if no space stands before it and no digit behind it: "$5 and $6" are amounts. */
  function closingDollar(text) {
    if (!/\S/.test(text[1] ?? " ")) return 0;
    for (let at = 1; at < text.length; at++) {
      if (text[at] === "\\") at++;
      else if (text.startsWith("\n\n", at)) return 0;
      else if (text[at] === "$") return /\s/.test(text[at - 1]) || /\d/.test(text[at + 1] ?? "") ? 0 : at + 1;
    }
    return 0;
  }

  function closingBrace(text, from) {
    for (let at = from, depth = 1; at < text.length; at++) {
      if (text[at] === "\\") at++;
      else if (text[at] === "{") depth++;
      else if (text[at] === "}" && --depth === 0) return at + 1;
    }
    return 0;
  }

  /** One formula as an element; as it was written where KaTeX gives up. */
  function formula(whole, opener) {
    const side = opener === "\\boxed{" ? 0 : opener.length;
    const displayMode = opener === "$$" || opener === "\\[";
    const element = document.createElement("span");
    element.className = displayMode ? "ttc-display" : "ttc-inline";
    try {
      window.katex.render(whole.slice(side, whole.length - side), element, {
        displayMode,
        ...KATEX,
        ...LIMITS,
      });
      if (element.querySelector(".katex-error")) element.replaceChildren(whole);
    } catch {
      element.replaceChildren(whole); // too deep, or no KaTeX on this page
    }
    return element;
  }
})((window.ttc = window.ttc || {}));
