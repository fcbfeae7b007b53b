import { useTranslation } from "react-i18next";
import { decimal } from "../../lib/numbers";
import { Table } from "../../ui/Table";
import styles from "./Ranking.module.css";

interface Props {
  documents: readonly string[];
  /** The place of each document in the list, and its score; the best first. */
  scores: readonly { index: number; score: number }[];
}

/** Documents by their scores, which are drawn between the lowest and the highest of them, 0 and 1 included. */
export function Ranking({ documents, scores }: Props) {
  const { t, i18n } = useTranslation();
  const all = scores.map(({ score }) => score);
  const [low, high] = [Math.min(0, ...all), Math.max(1, ...all)];
  const columns = [t("rerank.rank"), t("rerank.document"), t("rerank.score")];
  return (
    <Table label={t("rerank.answer")} columns={columns}>
      {scores.map(({ index, score }, place) => (
        <tr key={index}>
          <td>{place + 1}</td>
          <td className={styles.document}>{documents[index]}</td>
          <td className={styles.score}>
            <span>{decimal(score, i18n.language, 4)}</span>
            <meter min={low} max={high} value={score} aria-label={t("rerank.scoreOf", { number: place + 1 })} />
          </td>
        </tr>
      ))}
    </Table>
  );
}
