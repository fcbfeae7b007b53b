import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type FileFilters, filesQuery } from "../../api/files";
import type { Outcome } from "../../lib/outcomes";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { Table } from "../../ui/Table";
import { DeleteFiles } from "./DeleteFiles";
import { FileRow } from "./FileRow";
import styles from "./Files.module.css";

interface Props {
  filters: FileFilters;
  onDeleted: (outcome: Outcome) => void;
}

const COLUMNS = ["chosen", "name", "purpose", "size", "created", "expires", "actions"] as const;

/** One page of files, of which some can be chosen. Those that have left the page are chosen no more. */
export function FileList({ filters, onDeleted }: Props) {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(filesQuery(filters));
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const files = data?.data ?? [];
  const those = files.filter(({ id }) => chosen.has(id));
  const all = files.length > 0 && those.length === files.length;
  const choose = (id: string, on: boolean) =>
    setChosen((before) => new Set(on ? [...before, id] : [...before].filter((one) => one !== id)));
  const { after, ...first } = filters;
  return (
    <>
      {error && <Failure error={error} again={refetch} />}
      {!data && !error && <Loading />}
      {data && files.length === 0 && <p>{Object.keys(filters).length > 0 ? t("files.noneLike") : t("files.none")}</p>}
      {files.length > 0 && (
        <>
          <div className={styles.actions}>
            <label className={styles.actions}>
              <input
                type="checkbox"
                className={styles.box}
                checked={all}
                onChange={() => setChosen(new Set(all ? [] : files.map(({ id }) => id)))}
              />
              {t("files.choosePage")}
            </label>
            <DeleteFiles files={those} isCounted onDone={onDeleted} />
          </div>
          <Table label={t("files.title")} columns={COLUMNS.map((column) => t(`files.column.${column}`))}>
            {files.map((file) => (
              <FileRow
                key={file.id}
                file={file}
                isChosen={chosen.has(file.id)}
                onChoose={(on) => choose(file.id, on)}
              />
            ))}
          </Table>
        </>
      )}
      <div className={styles.actions}>
        {after && (
          <Link to="/files" search={first}>
            {t("files.first")}
          </Link>
        )}
        {data?.has_more && data.last_id && (
          <Link to="/files" search={{ ...first, after: data.last_id }}>
            {t("files.next")}
          </Link>
        )}
      </div>
    </>
  );
}
