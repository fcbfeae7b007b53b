import type { Tokens } from "marked";
import { useTranslation } from "react-i18next";
import { Spans } from "./Inline";
import styles from "./markdown.module.css";

/** A table; where it is wider than the text, it scrolls by itself. */
export function TableBlock({ table }: { table: Tokens.Table }) {
  const { t } = useTranslation();
  const cell = (one: Tokens.TableCell) => ({ textAlign: one.align ?? ("start" as const) });
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for controls
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard
    <div role="group" aria-label={t("markdown.table")} className={styles.scroll} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {table.header.map((one, at) => (
              <th key={at} scope="col" style={cell(one)}>
                <Spans tokens={one.tokens} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, line) => (
            <tr key={line}>
              {row.map((one, at) => (
                <td key={at} style={cell(one)}>
                  <Spans tokens={one.tokens} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
