import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type Batch, batchQuery, isEnded } from "../../api/batches";
import { Note } from "../../parts/Note";
import { OneOf } from "../../parts/OneOf";
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
  const asked = useQuery(batchQuery(id));
  return (
    <OneOf
      title={t("batches.one")}
      asked={asked}
      gone={t("batches.gone", { id })}
      toAll={t("batches.toAll")}
      list="/batches"
      actions={(batch) => <CancelButton batch={batch} onDone={() => setNote(t("batches.cancelled"))} />}
      notes={note && <Note text={note} onClose={() => setNote(null)} />}
    >
      {(batch) => <BatchCards batch={batch} />}
    </OneOf>
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
