import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Failure } from "../../parts/Failure";
import styles from "./FileNames.module.css";
import { filesQuery } from "./queries";

/** The files that go with a repository. */
export function FileNames({ version }: { version: string }) {
  const { t } = useTranslation();
  const { data, error } = useQuery(filesQuery(version));
  if (error) return <Failure error={error} />;
  if (!data) return null;
  return (
    <details>
      <summary>{t("cache.whichFiles", { count: data.paths.length })}</summary>
      <ul className={styles.files}>
        {data.paths.map((path) => (
          <li key={path}>
            <code>{path}</code>
          </li>
        ))}
      </ul>
    </details>
  );
}
