import { expect, test } from "vitest";
import { plain } from "./entities";
import { levels } from "./headings";
import { GrowingLexer, lex } from "./lexer";
import { safeHref } from "./links";

const TEXT = [
  "# Title",
  "A *word*, `code` and [a link](https://x.y).",
  "- one\n- two\n\n    more of two\n- three",
  "1. first\n\n2. second, which belongs to the same list",
  "```python\nprint(1)\n\nprint(2)\n```",
  "| a | b |\n|---|--:|\n| 1 | 2 |",
  "> said\n> again",
  "$$\nx^2\n$$",
  "The end, $y$ and $5 or $6.",
].join("\n\n");

const shape = (text: string) => lex(text).map((token) => [token.type, token.raw]);

test.each([1, 3, 10, 50])("a text that grows by %i characters is read as it is when whole", (size) => {
  const lexer = new GrowingLexer();
  let found: unknown[] = [];
  for (let end = size; end < TEXT.length + size; end += size)
    found = lexer.read(TEXT.slice(0, end)).map((token) => [token.type, token.raw]);
  expect(found).toEqual(shape(TEXT));
});

test("finished blocks stay the same objects", () => {
  const lexer = new GrowingLexer();
  const text = "one\n\ntwo\n\nthree\n\nfour";
  const before = lexer.read(text);
  expect(lexer.read(`${text} more`)[0]).toBe(before[0]);
  expect(lexer.read("another")).toHaveLength(1);
});

test("formulas and money", () => {
  const kinds = (text: string) => JSON.stringify(lex(text)).match(/"type":"formula"/g)?.length ?? 0;
  expect(kinds("it costs $5 or $6")).toBe(0);
  expect(kinds("$x$ and \\(y\\)")).toBe(2);
  expect(kinds("$$\na\n$$\n\n\\[b\\]")).toBe(2);
});

test.each([
  ["https://a.b/c", "https://a.b/c"],
  ["mailto:a@b.c", "mailto:a@b.c"],
  ["javascript:alert(1)", null],
  ["JAVASCRIPT:alert(1)", null],
  ["data:text/html,x", null],
  ["/v1/models", null],
])("the link %s", (href, expected) => {
  expect(safeHref(href)).toBe(expected);
});

test("entities are read", () => {
  expect(plain("a &lt;b&gt; &amp;amp; &#65;&#x42; &nope; &#0;")).toBe("a <b> &amp; AB &nope; &#0;");
});

test("headings begin under who speaks, and leave no level out", () => {
  expect(levels(lex("### a\n\n# b\n\ntext\n\n### c\n\n#### d\n\n## e\n\n## f")).filter(Boolean)).toEqual([
    3, 3, 4, 5, 4, 4,
  ]);
});
