() => {
  const sentence = /(?:^|[\s("“：；，。])((?:[A-Za-z][A-Za-z'’-]* ){2,}[A-Za-z][A-Za-z'’-]*)/;
  const apart = '[lang="en"], [translate="no"], code, pre, kbd, textarea, script, style, title';
  const shown = (element) => element.checkVisibility() && !element.closest(apart);
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent;
    if (sentence.test(text) && shown(walker.currentNode.parentElement)) found.push(text.trim());
  }
  for (const element of document.querySelectorAll("[placeholder], [aria-label], [title]")) {
    for (const name of ["placeholder", "aria-label", "title"]) {
      const text = element.getAttribute(name) ?? "";
      if (sentence.test(text) && shown(element)) found.push(`${name}: ${text}`);
    }
  }
  return [...new Set(found)];
}
