import { useTranslation } from "react-i18next";
import { classes } from "../../lib/classes";
import { decimal } from "../../lib/numbers";
import { Table } from "../../ui/Table";
import styles from "./SimilarityMap.module.css";
import { closest, shade, similarities } from "./similarity";

interface Props {
  texts: readonly string[];
  vectors: readonly (readonly number[])[];
}

/** How similar texts are to each other, by the cosine of their vectors. */
export function SimilarityMap({ texts, vectors }: Props) {
  const { t, i18n } = useTranslation();
  const matrix = similarities(vectors);
  const number = (value: number) => decimal(value, i18n.language, 2);
  return (
    <>
      <h3>{t("embeddings.closest")}</h3>
      <ol className={styles.pairs}>
        {closest(matrix, 3).map(({ one, other, similarity }) => (
          <li key={`${one} ${other}`}>
            <strong>{number(similarity)}</strong> {texts[one]} ↔ {texts[other]}
          </li>
        ))}
      </ol>
      <h3>{t("embeddings.map")}</h3>
      <Table label={t("embeddings.map")} columns={[t("embeddings.text"), ...texts.map((_, index) => `${index + 1}`)]}>
        {matrix.map((row, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: texts have nothing else, and may be alike
          <tr key={index}>
            <th scope="row" className={styles.text}>
              {index + 1}. {texts[index]}
            </th>
            {row.map((similarity, other) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: as above
              <td key={other} className={classes(styles.cell, styles[`shade${shade(similarity)}`])}>
                {number(similarity)}
              </td>
            ))}
          </tr>
        ))}
      </Table>
    </>
  );
}
