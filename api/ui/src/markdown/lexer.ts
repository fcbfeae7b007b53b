import { Marked, type Token } from "marked";
import { formulas } from "./formulas";

const marked = new Marked({ gfm: true, breaks: true }, { extensions: formulas });

/** Blocks from the end that may still change as text is added: a list goes on after an empty line. */
const OPEN = 2;

/** The blocks of a text. */
export function lex(text: string): Token[] {
  return marked.lexer(text);
}

/** Reads a text that grows: what is finished is not read again, and its blocks stay the same objects. */
export class GrowingLexer {
  private text = "";
  private done: Token[] = [];
  private doneText = "";

  /** The blocks of the text so far. A text that does not go on from the last one is read anew. */
  read(text: string): Token[] {
    if (!text.startsWith(this.text)) {
      this.done = [];
      this.doneText = "";
    }
    this.text = text;
    const rest = lex(text.slice(this.doneText.length));
    const shown = [...this.done, ...rest];
    const solid = rest.map((token, at) => (token.type === "space" ? -1 : at)).filter((at) => at >= 0);
    const end = solid.at(-OPEN) ?? 0;
    const finished = rest.slice(0, end);
    const length = finished.reduce((sum, token) => sum + token.raw.length, 0);
    const raw = finished.map((token) => token.raw).join("");
    if (text.startsWith(raw, this.doneText.length)) {
      this.done = [...this.done, ...finished];
      this.doneText = text.slice(0, this.doneText.length + length);
    }
    return shown;
  }
}
