import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../../api/errors";
import { contentUrl, type FileObject, fileQuery } from "../../api/files";
import { bytes } from "../../lib/numbers";
import type { Outcome } from "../../lib/outcomes";
import { moment } from "../../lib/times";
import { CopyButton } from "../../parts/CopyButton";
import { Failure } from "../../parts/Failure";
import { FileHead } from "../../parts/files/FileHead";
import { Loading } from "../../parts/Loading";
import { Card } from "../../ui/Card";
import { FactList } from "../../ui/FactList";
import { Page } from "../../ui/Page";
import { DeleteFiles } from "./DeleteFiles";
import styles from "./Files.module.css";
import { PurposeName } from "./PurposeName";

const route = getRouteApi("/files/$id");

/** A file: what is known of it, and how it begins. */
export function FilePage() {
  const { id } = route.useParams();
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [refused, setRefused] = useState<Error | null>(null);
  const { data, error, refetch } = useQuery(fileQuery(id));
  if (error instanceof ApiError && error.status === 404)
    return (
      <Page title={t("files.one")}>
        <p>{t("files.gone", { id })}</p>
        <p>
          <Link to="/files">{t("files.toAll")}</Link>
        </p>
      </Page>
    );
  const deleted = async (outcome: Outcome) => {
    setRefused(outcome.error);
    if (!outcome.error) await navigate({ to: "/files" });
  };
  return (
    <Page title={t("files.one")} actions={data && <DeleteFiles files={[data]} onDone={deleted} />}>
      {error && <Failure error={error} again={refetch} />}
      {refused && <Failure error={refused} />}
      {!data && !error && <Loading />}
      {data && <FileCards file={data} />}
    </Page>
  );
}

function FileCards({ file }: { file: FileObject }) {
  const { t, i18n } = useTranslation();
  const on = (seconds: number) => moment(seconds * 1000, i18n.language);
  const facts = [
    [t("files.column.purpose"), <PurposeName key="purpose" purpose={file.purpose} />],
    [t("files.column.size"), bytes(file.bytes, i18n.language)],
    [t("files.column.created"), on(file.created_at)],
    [t("files.column.expires"), file.expires_at ? on(file.expires_at) : t("files.never")],
  ] as const;
  return (
    <>
      <Card title={file.filename}>
        <FactList facts={facts} />
        <p className={styles.actions}>
          <code>{file.id}</code>
          <CopyButton text={file.id} what={t("files.id")} />
        </p>
        <div className={styles.actions}>
          <a href={contentUrl(file.id)} download={file.filename}>
            {t("files.download")}
          </a>
          {file.purpose === "batch" && (
            <Link to="/batches" search={{ file: file.id }}>
              {t("files.toBatch")}
            </Link>
          )}
        </div>
      </Card>
      <Card title={t("files.firstLines")}>
        <FileHead id={file.id} />
      </Card>
    </>
  );
}
