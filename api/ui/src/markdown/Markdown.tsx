import { useState } from "react";
import { levels } from "./headings";
import { GrowingLexer } from "./lexer";
import styles from "./markdown.module.css";
import { Section } from "./Section";

/** How many blocks are drawn together. */
const TOGETHER = 24;

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
  const count = Math.max(1, Math.ceil(tokens.length / TOGETHER));
  return (
    <div className={styles.text}>
      {Array.from({ length: count }, (_, at) => {
        const [begin, end] = [at * TOGETHER, (at + 1) * TOGETHER];
        const isLast = at === count - 1;
        return (
          <Section
            key={at}
            tokens={tokens.slice(begin, end)}
            headings={headings.slice(begin, end)}
            growing={growing && isLast}
            isSolid={!isLast}
          />
        );
      })}
    </div>
  );
}
