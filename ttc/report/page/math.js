window.ttc = window.ttc || {};
ttc.typeset = (element, text) => { element.textContent = text; };
