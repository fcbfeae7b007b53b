import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { type FileFilters, filesQuery } from "../../api/files";
import type { Outcome } from "../../lib/outcomes";
import { ChooseAll } from "../../parts/ChooseAll";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { PageLinks } from "../../parts/PageLinks";
import { useChosen } from "../../parts/useChosen";
import { Table } from "../../ui/Table";
import { DeleteFiles } from "./DeleteFiles";
import { FileRow } from "./FileRow";

interface Props {
  filters: FileFilters;
  onDeleted: (outcome: Outcome) => void;
}

const COLUMNS = ["chosen", "name", "purpose", "size", "created", "expires", "actions"] as const;

/** One page of files, of which some can be chosen. Those that have left the page are chosen no more. */
export function FileList({ filters, onDeleted }: Props) {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(filesQuery(filters));
  const files = data?.data ?? [];
  const chosen = useChosen(files);
  const { after, ...first } = filters;
  return (
    <>
      {error && <Failure error={error} again={refetch} />}
      {!data && !error && <Loading />}
      {data && files.length === 0 && <p>{Object.keys(filters).length > 0 ? t("files.noneLike") : t("files.none")}</p>}
      {files.length > 0 && (
        <>
          <ChooseAll label={t("files.choosePage")} chosen={chosen}>
            <DeleteFiles files={chosen.those} isCounted onDone={onDeleted} />
          </ChooseAll>
          <Table label={t("files.title")} columns={COLUMNS.map((column) => t(`files.column.${column}`))}>
            {files.map((file) => (
              <FileRow
                key={file.id}
                file={file}
                isChosen={chosen.isChosen(file.id)}
                onChoose={(on) => chosen.choose(file.id, on)}
              />
            ))}
          </Table>
        </>
      )}
      <PageLinks
        page={data}
        after={after}
        first={
          <Link to="/files" search={first}>
            {t("files.first")}
          </Link>
        }
        next={(last) => (
          <Link to="/files" search={{ ...first, after: last }}>
            {t("files.next")}
          </Link>
        )}
      />
    </>
  );
}
