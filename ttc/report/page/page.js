// The page: unpacks the core, draws the sections of one panel, and again when another panel is chosen.
(function (ttc) {
  "use strict";
  const el = ttc.el;

  async function open() {
    const core = await ttc.unpack("core");
    const main = document.getElementById("main");
    const body = el("div", {});
    const draw = (place) => drawPanel(body, core, core.panels[place]);
    if (core.panels.length > 1) {
      const options = core.panels.map((panel, place) => [place, panel.title]);
      main.append(el("div", { class: "controls" }, ttc.select("study", options, 0, (place) => draw(Number(place)))));
    }
    main.append(body);
    draw(0);
    const licences = el("button", { type: "button", click: async () => {
      licences.replaceWith(el("pre", {}, await ttc.unpack("licences")));
    } }, "licences of the libraries inside");
    document.getElementById("footer").append(el("p", {}, core.made), licences);
    document.documentElement.dataset.ready = "true";
  }

  function drawPanel(body, core, panel) {
    const shared = { core, colours: ttc.colours(panel.readings), show: () => {} };
    const links = [];
    body.replaceChildren();
    for (const { id, title, draw } of ttc.sections) {
      const section = el("section", { id }, id === "study" ? null : el("h2", {}, title));
      body.append(section);
      if (draw(section, panel, shared) === false) section.remove();
      else links.push(el("a", { href: `#${id}` }, title));
    }
    document.getElementById("nav").replaceChildren(...links);
  }

  document.getElementById("theme").addEventListener("click", () => {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    root.dispatchEvent(new CustomEvent("theme"));
  });

  open();
})(window.ttc);
