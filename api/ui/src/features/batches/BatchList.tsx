import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { batchesQuery } from "../../api/batches";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { PageLinks } from "../../parts/PageLinks";
import { Table } from "../../ui/Table";
import { BatchRow } from "./BatchRow";
import { type BatchSearch, statesOf } from "./search";

interface Props {
  search: BatchSearch;
  onCancelled: () => void;
}

const COLUMNS = ["id", "state", "endpoint", "lines", "eta", "created", "actions"] as const;

/** One page of batches. */
export function BatchList({ search: { tab, after }, onCancelled }: Props) {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(batchesQuery(statesOf(tab), after));
  const batches = data?.data ?? [];
  const first = tab ? { tab } : {};
  return (
    <>
      {error && <Failure error={error} again={refetch} />}
      {!data && !error && <Loading />}
      {data && batches.length === 0 && <p>{tab || after ? t("batches.noneLike") : t("batches.none")}</p>}
      {batches.length > 0 && (
        <Table label={t("batches.title")} columns={COLUMNS.map((column) => t(`batches.column.${column}`))}>
          {batches.map((batch) => (
            <BatchRow key={batch.id} batch={batch} onCancelled={onCancelled} />
          ))}
        </Table>
      )}
      <PageLinks
        page={data}
        after={after}
        first={
          <Link to="/batches" search={first}>
            {t("batches.newest")}
          </Link>
        }
        next={(last) => (
          <Link to="/batches" search={{ ...first, after: last }}>
            {t("batches.older")}
          </Link>
        )}
      />
    </>
  );
}
