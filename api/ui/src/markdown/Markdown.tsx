import { useState } from "react";
import { Block } from "./Block";
import { levels } from "./headings";
import { GrowingLexer } from "./lexer";
import styles from "./markdown.module.css";

interface Props {
  text: string;
  /** Whether more is to come: the last block is then not finished. */
  growing?: boolean;
}

/** Text in Markdown, as elements. HTML in it is shown as it is written; nothing is loaded from elsewhere. */
export function Markdown({ text, growing = false }: Props) {
  const [lexer] = useState(() => new GrowingLexer());
  const tokens = lexer.read(text);
  const headings = levels(tokens);
  return (
    <div className={styles.text}>
      {tokens.map((token, at) => (
        <Block key={at} token={token} level={headings[at] ?? 0} growing={growing && at === tokens.length - 1} />
      ))}
    </div>
  );
}
