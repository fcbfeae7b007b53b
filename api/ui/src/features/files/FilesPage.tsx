import { useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { FileObject } from "../../api/files";
import { keys } from "../../api/queries";
import type { Outcome } from "../../lib/outcomes";
import { Failure } from "../../parts/Failure";
import { UploadBox } from "../../parts/files/UploadBox";
import { Note } from "../../parts/Note";
import { Card } from "../../ui/Card";
import { Page } from "../../ui/Page";
import { Select } from "../../ui/Select";
import { FileList } from "./FileList";
import styles from "./Files.module.css";
import { ALL_PURPOSES, filtersOf } from "./search";

const route = getRouteApi("/files");

/** The files of this key: what was uploaded, and what batches have made. */
export function FilesPage() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const client = useQueryClient();
  const [note, setNote] = useState<string | null>(null);
  const [refused, setRefused] = useState<Outcome | null>(null);
  const filters = filtersOf(route.useSearch());
  const { purpose, order } = filters;
  const show = (next: Record<string, unknown>) =>
    void navigate({ to: "/files", search: filtersOf({ purpose, order, ...next }), replace: true, resetScroll: false });
  const uploaded = async (file: FileObject) => {
    await client.invalidateQueries({ queryKey: [...keys.files, "list"] });
    setNote(t("files.uploaded", { name: file.filename }));
  };
  const deleted = (outcome: Outcome) => {
    const count = outcome.all - outcome.failed;
    setRefused(outcome.error ? outcome : null);
    setNote(count > 0 ? t("files.deleted", { count }) : null);
  };
  return (
    <Page title={t("files.title")}>
      <p className={styles.muted}>{t("files.intro")}</p>
      {note && <Note text={note} onClose={() => setNote(null)} />}
      {refused?.error && (
        <div>
          <p>{t("files.partly", { failed: refused.failed, all: refused.all })}</p>
          <Failure error={refused.error} />
        </div>
      )}
      <Card title={t("files.upload")}>
        <UploadBox onUploaded={uploaded} />
      </Card>
      <Card title={t("files.here")}>
        <search className={styles.filter}>
          <Select
            label={t("files.purpose")}
            value={purpose ?? ""}
            options={[["", t("files.any")], ...ALL_PURPOSES.map((one) => [one, t(`files.for.${one}`)] as const)]}
            onChange={(chosen) => show({ purpose: chosen })}
          />
          <Select
            label={t("files.order")}
            value={order ?? "desc"}
            options={[
              ["desc", t("files.newest")],
              ["asc", t("files.oldest")],
            ]}
            onChange={(chosen) => show({ order: chosen })}
          />
        </search>
        <FileList key={JSON.stringify(filters)} filters={filters} onDeleted={deleted} />
      </Card>
    </Page>
  );
}
