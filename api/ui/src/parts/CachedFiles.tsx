import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { filesQuery } from "../api/cache";
import styles from "./CachedFiles.module.css";
import { Failure } from "./Failure";

/** The files that go with a repository. */
export function CachedFiles({ version }: { version: string }) {
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
