import type { Token } from "marked";

/** The level under which a text stands: a page has h1, and who speaks has h2. */
const ABOVE = 2;

/** The level of each block that is a heading, 0 for the others. None is left out on the way down, whatever the text
 *  does, since readers of headings would look for what is missing. Pure. */
export function levels(tokens: readonly Token[]): number[] {
  const open: number[] = [];
  return tokens.map((token) => {
    if (token.type !== "heading") return 0;
    const depth: number = token["depth"];
    while ((open.at(-1) ?? 0) >= depth) open.pop();
    open.push(depth);
    return Math.min(6, ABOVE + open.length);
  });
}
