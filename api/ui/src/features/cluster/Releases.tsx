import { useTranslation } from "react-i18next";
import type { NodeList } from "../../api/types";
import styles from "./Cluster.module.css";

/** Which release is run; amid an upgrade there are several, and it is said which machines run which. */
export function Releases({ list }: { list: NodeList }) {
  const { t, i18n } = useTranslation();
  const names = new Intl.ListFormat(i18n.language);
  const [only] = list.releases;
  if (list.releases.length < 2) return <p>{t("cluster.release", { release: only })}</p>;
  const of = (release: string) => [
    ...(list.gateway.release === release ? [t("cluster.gateway")] : []),
    ...list.data.filter((node) => node.state === "here" && node.releases.includes(release)).map(({ id }) => id),
  ];
  return (
    <div className={styles.mixed}>
      <p>{t("cluster.mixed", { releases: names.format(list.releases) })}</p>
      <ul>
        {list.releases.map((release) => (
          <li key={release}>
            <strong>{release}</strong> {names.format(of(release))}
          </li>
        ))}
      </ul>
    </div>
  );
}
