import type { Token, Tokens } from "marked";
import { memo } from "react";
import { CodeBlock } from "./CodeBlock";
import { Formula } from "./Formula";
import type { FormulaToken } from "./formulas";
import { Inline, Spans } from "./Inline";
import { ListBlock } from "./ListBlock";
import { TableBlock } from "./TableBlock";

interface Props {
  token: Token;
  /** Of a heading; 0: it stands within another block, and is none. */
  level?: number;
  growing?: boolean;
}

/** One block of Markdown. It is drawn anew only where its text has changed. */
export const Block = memo(
  function Block({ token, level = 0, growing = false }: Props) {
    switch (token.type) {
      case "space":
      case "def":
        return null;
      case "heading": {
        const Heading = level === 0 ? "strong" : (`h${level}` as "h3");
        return (
          <Heading>
            <Spans tokens={token.tokens} />
          </Heading>
        );
      }
      case "paragraph":
        return (
          <p>
            <Spans tokens={token.tokens} />
          </p>
        );
      case "code":
        return <CodeBlock text={token["text"]} language={token["lang"] ?? ""} growing={growing} />;
      case "blockquote":
        return (
          <blockquote>
            {token.tokens?.map((inner, at) => (
              <Block key={at} token={inner} />
            ))}
          </blockquote>
        );
      case "list":
        return <ListBlock list={token as Tokens.List} />;
      case "table":
        return <TableBlock table={token as Tokens.Table} />;
      case "hr":
        return <hr />;
      case "formula":
        return <Formula text={(token as FormulaToken).text} display />;
      default:
        return <Inline token={token} />;
    }
  },
  (before, after) =>
    before.token.raw === after.token.raw &&
    before.token.type === after.token.type &&
    before.level === after.level &&
    before.growing === after.growing,
);
