import { useQueries } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { bytes, decimal } from "../../lib/numbers";
import { Loading } from "../../parts/Loading";
import { Button } from "../../ui/Button";
import { Table } from "../../ui/Table";
import { contextsUpTo, withContext } from "./contexts";
import type { Body } from "./draft";
import styles from "./Launch.module.css";
import { estimateQuery } from "./queries";

interface Props {
  body: Body;
  /** Tokens that the model reads at most; null where that is not known. */
  most: number | null;
  onPick: (tokens: number) => void;
}

/** What the launch would need with shorter and longer contexts, as bars in a table. */
export function ContextChart({ body, most, onPick }: Props) {
  const { t, i18n } = useTranslation();
  const contexts = contextsUpTo(most);
  const answers = useQueries({ queries: contexts.map((tokens) => estimateQuery(withContext(body, tokens))) });
  const rows = answers.flatMap(({ data }, at) => {
    const placed = data?.devices.find((one) => data.placement.devices.includes(one.device)) ?? data?.devices[0];
    return placed && data ? [{ tokens: contexts[at] ?? 0, state: data.placement.state, ...placed }] : [];
  });
  if (rows.length === 0) return answers.every((one) => one.error) ? <p>{t("launch.noContexts")}</p> : <Loading />;
  const widest = Math.max(...rows.map((one) => one.needs.total_bytes));
  const [first] = rows;
  const free = first?.free_bytes ?? null;
  return (
    <>
      <Table
        label={t("launch.contexts")}
        columns={[
          t("launch.contextTokens"),
          t("launch.contextMemory"),
          t("launch.contextFits"),
          t("launch.contextUse"),
        ]}
      >
        {rows.map(({ tokens, state, needs }) => (
          <tr key={tokens}>
            <th scope="row">{decimal(tokens, i18n.language)}</th>
            <td className={styles.barred}>
              {bytes(needs.total_bytes, i18n.language)}
              <span className={styles.meter} aria-hidden="true">
                <span className={styles[state]} style={{ width: `${(100 * needs.total_bytes) / widest}%` }} />
              </span>
            </td>
            <td className={styles.whole}>{t(`launch.contextState.${state}`)}</td>
            <td className={styles.whole}>
              <Button
                aria-label={t("launch.contextPick", { tokens: decimal(tokens, i18n.language) })}
                onClick={() => onPick(tokens)}
              >
                {t("launch.contextUse")}
              </Button>
            </td>
          </tr>
        ))}
      </Table>
      {free !== null && first && (
        <p className={styles.small}>
          {t("launch.contextFree", { size: bytes(free, i18n.language), device: first.device })}
        </p>
      )}
    </>
  );
}
