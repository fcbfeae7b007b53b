import { useQuery } from "@tanstack/react-query";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { contentUrl, type FileObject, fileQuery } from "../../api/files";
import { bytes } from "../../lib/numbers";
import type { Outcome } from "../../lib/outcomes";
import { moment } from "../../lib/times";
import { CopyButton } from "../../parts/CopyButton";
import { Failure } from "../../parts/Failure";
import { FileHead } from "../../parts/files/FileHead";
import { OneOf } from "../../parts/OneOf";
import { Card } from "../../ui/Card";
import { FactList } from "../../ui/FactList";
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
  const asked = useQuery(fileQuery(id));
  const deleted = async (outcome: Outcome) => {
    setRefused(outcome.error);
    if (!outcome.error) await navigate({ to: "/files" });
  };
  return (
    <OneOf
      title={t("files.one")}
      asked={asked}
      gone={t("files.gone", { id })}
      toAll={t("files.toAll")}
      list="/files"
      actions={(file) => <DeleteFiles files={[file]} onDone={deleted} />}
      notes={refused && <Failure error={refused} />}
    >
      {(file) => <FileCards file={file} />}
    </OneOf>
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
