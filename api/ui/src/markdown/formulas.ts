import type { TokenizerExtension, Tokens } from "marked";

/** A formula in TeX's words. */
export interface FormulaToken extends Tokens.Generic {
  type: "formula";
  raw: string;
  text: string;
  display: boolean;
}

const BLOCKS = [/^ {0,3}\$\$([\s\S]+?)\$\$[ \t]*(?:\n|$)/, /^ {0,3}\\\[([\s\S]+?)\\\][ \t]*(?:\n|$)/];
// After the closing sign stands no digit, and before it no space: "$5 and $6" is money.
const INLINES = [/^\$\$([^\n]+?)\$\$/, /^\$(?!\s)((?:\\[^\n]|[^\\$\n])+?)(?<!\s)\$(?!\d)/, /^\\\((.+?)\\\)/];

function found(patterns: readonly RegExp[], source: string, display: boolean): FormulaToken | undefined {
  for (const pattern of patterns) {
    const match = pattern.exec(source);
    if (match) return { type: "formula", raw: match[0], text: (match[1] ?? "").trim(), display };
  }
  return undefined;
}

function startOf(source: string): number | undefined {
  const at = source.search(/\$|\\[([]/);
  return at < 0 ? undefined : at;
}

/** What makes marked see formulas: `$…$` and `\(…\)` in a line, `$$…$$` and `\[…\]` as blocks. */
export const formulas: TokenizerExtension[] = [
  { name: "formula", level: "block", tokenizer: (source) => found(BLOCKS, source, true) },
  { name: "formula", level: "inline", start: startOf, tokenizer: (source) => found(INLINES, source, false) },
];
