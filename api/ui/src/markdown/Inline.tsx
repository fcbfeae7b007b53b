import type { Token, Tokens } from "marked";
import { plain } from "./entities";
import { Formula } from "./Formula";
import type { FormulaToken } from "./formulas";
import { safeHref } from "./links";

/** Spans of text, one after the other. */
export function Spans({ tokens }: { tokens: Token[] | undefined }) {
  return tokens?.map((token, at) => <Inline key={at} token={token} />);
}

/** A span of text. What it does not know, and HTML, it shows as written. */
export function Inline({ token }: { token: Token }) {
  switch (token.type) {
    case "strong":
      return (
        <strong>
          <Spans tokens={token.tokens} />
        </strong>
      );
    case "em":
      return (
        <em>
          <Spans tokens={token.tokens} />
        </em>
      );
    case "del":
      return (
        <del>
          <Spans tokens={token.tokens} />
        </del>
      );
    case "codespan":
      return <code>{token["text"]}</code>;
    case "br":
      return <br />;
    case "link":
      return <Anchor token={token as Tokens.Link} />;
    case "image":
      return <Remote token={token as Tokens.Image} />;
    case "formula":
      return <Formula text={(token as FormulaToken).text} />;
    case "text":
      return token.tokens ? <Spans tokens={token.tokens} /> : plain(token["text"]);
    case "escape":
      return token["text"];
    case "checkbox":
      return null; // its list shows it
    default:
      return token.raw;
  }
}

function Anchor({ token }: { token: Tokens.Link }) {
  const href = safeHref(token.href);
  const inner = <Spans tokens={token.tokens} />;
  if (!href) return inner;
  return (
    <a href={href} target="_blank" rel="noopener noreferrer">
      {inner}
    </a>
  );
}

/** A picture from elsewhere is a link: to load it would tell its server who reads this. */
function Remote({ token }: { token: Tokens.Image }) {
  const href = safeHref(token.href);
  const said = token.text || token.href;
  if (!href) return said;
  return (
    <a href={href} target="_blank" rel="noopener noreferrer">
      {said}
    </a>
  );
}
