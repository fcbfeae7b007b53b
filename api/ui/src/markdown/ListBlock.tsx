import type { Tokens } from "marked";
import { useTranslation } from "react-i18next";
import { Block } from "./Block";

/** A list, of items or of things to do. */
export function ListBlock({ list }: { list: Tokens.List }) {
  const items = list.items.map((item, at) => <Item key={at} item={item} />);
  return list.ordered ? <ol start={Number(list.start) || 1}>{items}</ol> : <ul>{items}</ul>;
}

function Item({ item }: { item: Tokens.ListItem }) {
  const { t } = useTranslation();
  return (
    <li>
      {item.task && <input type="checkbox" checked={item.checked ?? false} disabled aria-label={t("markdown.done")} />}
      {item.tokens.map((token, at) => (
        <Block key={at} token={token} />
      ))}
    </li>
  );
}
