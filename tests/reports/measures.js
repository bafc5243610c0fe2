// What the tests of pages measure in a browser: each is a function of the window.
Object.assign(window, {
  tooWide: () => document.documentElement.scrollWidth - innerWidth,
  height: () => document.documentElement.scrollHeight,
  openFolds: () => document.querySelectorAll("details").forEach((fold) => { fold.open = true; }),

  // A picture has a role of its own, under which nothing is looked at; axe takes its time over thousands of strokes all the same.
  dropStrokes: () => document.querySelectorAll(".picture svg, .thumbnail svg").forEach((one) => one.replaceChildren()),

  // What is read without opening anything, a picture's own labels, the contents and the source lines left out.
  unfolded: () => {
    const found = [], all = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
    while (all.nextNode()) {
      const node = all.currentNode, parent = node.parentElement, fold = parent.closest("details:not([open])");
      const read = !parent.closest("svg, nav, .source, script") && (!fold || parent.closest("summary"));
      if (read && parent.getClientRects().length) found.push(node.data);
    }
    return found.join(" ");
  },

  // How far a picture's words stand out of it, in pixels.
  outside: () => Math.max(...[...document.querySelectorAll(".picture svg")].filter((one) => one.getClientRects().length).flatMap(
    (svg) => [...svg.querySelectorAll("text")].map((text) => {
      const inner = text.getBoundingClientRect(), outer = svg.getBoundingClientRect();
      return Math.max(inner.right - outer.right, outer.left - inner.left, inner.bottom - outer.bottom, outer.top - inner.top);
    }))),

  // The smallest letters of a picture, in pixels.
  smallest: () => Math.min(...[...document.querySelectorAll(".picture svg.wide text")].filter(
    (one) => one.getClientRects().length).map((one) => parseFloat(getComputedStyle(one).fontSize) *
    one.ownerSVGElement.getBoundingClientRect().width / one.ownerSVGElement.viewBox.baseVal.width)),
});
