import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { headQuery } from "../../api/files";
import { Failure } from "../Failure";
import { Loading } from "../Loading";
import styles from "./FileHead.module.css";
import { linesOf } from "./head";

interface Props {
  id: string;
  /** How many lines are shown. */
  most?: number;
}

/** How a file begins: its first lines with their numbers, if it is a text. */
export function FileHead({ id, most = 20 }: Props) {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(headQuery(id));
  if (error) return <Failure error={error} again={refetch} />;
  if (!data) return <Loading />;
  const shown = linesOf(data, most);
  if (!shown) return <p>{t("files.noText")}</p>;
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard */}
      <ol className={styles.lines} aria-label={t("files.firstLines")} tabIndex={0}>
        {shown.lines.map((line, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a line is known by its place
          <li key={index}>
            <code>{line}</code>
          </li>
        ))}
      </ol>
      {!shown.isWhole && <p className={styles.more}>{t("files.more")}</p>}
    </>
  );
}
