import { renderToStaticMarkup } from "react-dom/server";
import { expect, test } from "vitest";
import { highlight } from "./highlight";

test("code becomes elements with classes", async () => {
  const nodes = await highlight("def f(): return '<b>'", "py");
  const html = renderToStaticMarkup(nodes);
  expect(html).toContain('<span class="hljs-keyword">def</span>');
  expect(html).toContain("&lt;b&gt;");
});

test.each(["", "klingon", "toString"])("no colours for the language %j", async (language) => {
  expect(await highlight("x", language)).toBeNull();
});
