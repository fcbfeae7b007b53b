import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type Batch, batchQuery, isEnded } from "../../api/batches";
import { ApiError } from "../../api/errors";
import { Failure } from "../../parts/Failure";
import { Loading } from "../../parts/Loading";
import { Note } from "../../parts/Note";
import { Page } from "../../ui/Page";
import { BatchCode } from "./BatchCode";
import { CancelButton } from "./CancelButton";
import { FailuresCard } from "./FailuresCard";
import { FailuresSoFar } from "./FailuresSoFar";
import { FaultsCard } from "./FaultsCard";
import { FilesCard } from "./FilesCard";
import { LinesCard } from "./LinesCard";

const route = getRouteApi("/batches/$id");

/** A batch: how far it is, what went wrong in it, and its files. */
export function BatchPage() {
  const { id } = route.useParams();
  const { t } = useTranslation();
  const [note, setNote] = useState<string | null>(null);
  const { data, error, refetch } = useQuery(batchQuery(id));
  if (error instanceof ApiError && error.status === 404)
    return (
      <Page title={t("batches.one")}>
        <p>{t("batches.gone", { id })}</p>
        <p>
          <Link to="/batches">{t("batches.toAll")}</Link>
        </p>
      </Page>
    );
  const cancel = data && <CancelButton batch={data} onDone={() => setNote(t("batches.cancelled"))} />;
  return (
    <Page title={t("batches.one")} actions={cancel}>
      {note && <Note text={note} onClose={() => setNote(null)} />}
      {error && <Failure error={error} again={refetch} />}
      {!data && !error && <Loading />}
      {data && <BatchCards batch={data} />}
    </Page>
  );
}

function BatchCards({ batch }: { batch: Batch }) {
  return (
    <>
      {batch.errors && <FaultsCard batch={batch} />}
      <LinesCard batch={batch} />
      {batch.error_file_id && <FailuresCard file={batch.error_file_id} />}
      {!isEnded(batch.status) && batch.request_counts.failed > 0 && <FailuresSoFar id={batch.id} />}
      <FilesCard batch={batch} />
      <BatchCode batch={batch} />
    </>
  );
}
