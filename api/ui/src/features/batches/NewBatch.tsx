import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { type Batch, createBatch, ENDPOINTS, type Endpoint } from "../../api/batches";
import { headQuery } from "../../api/files";
import { keys } from "../../api/queries";
import { Failure } from "../../parts/Failure";
import { FileHead } from "../../parts/files/FileHead";
import { endpointIn } from "../../parts/files/head";
import { Button } from "../../ui/Button";
import { Card } from "../../ui/Card";
import { Select } from "../../ui/Select";
import styles from "./Batches.module.css";
import { InputFile } from "./InputFile";

interface Props {
  /** The id of the file of requests; empty: none was chosen yet. */
  file: string;
  onFile: (id: string) => void;
  onCreated: (batch: Batch) => unknown;
}

const LIFETIMES = ["default", "3600", "86400", "604800", "2592000"] as const;

/** Makes a batch of a file of requests. The endpoint is what the file's first line names, until another is chosen. */
export function NewBatch({ file, onFile, onCreated }: Props) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [chosen, setChosen] = useState<Endpoint | null>(null);
  const [lifetime, setLifetime] = useState<(typeof LIFETIMES)[number]>("default");
  const head = useQuery({ ...headQuery(file), enabled: file !== "" }).data;
  const named = head ? endpointIn(head) : null;
  const endpoint = chosen ?? ENDPOINTS.find((one) => one === named) ?? ENDPOINTS[0];
  const create = useMutation({
    mutationFn: () =>
      createBatch({
        input_file_id: file,
        endpoint,
        completion_window: "24h",
        ...(lifetime !== "default" && {
          output_expires_after: { anchor: "created_at" as const, seconds: Number(lifetime) },
        }),
      }),
    onSuccess: async (batch) => {
      await client.invalidateQueries({ queryKey: keys.batches });
      await onCreated(batch);
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate();
  };
  return (
    <Card title={t("batches.new")}>
      <form className={styles.form} onSubmit={submit}>
        <InputFile file={file} onFile={onFile} />
        {file !== "" && <FileHead id={file} most={3} />}
        <div className={styles.fields}>
          <Select
            label={t("batches.column.endpoint")}
            value={endpoint}
            options={ENDPOINTS.map((one) => [one, one] as const)}
            onChange={setChosen}
          />
          <Select
            label={t("batches.window")}
            value="24h"
            options={[["24h", t("batches.day")]]}
            onChange={() => undefined}
          />
          <Select
            label={t("batches.outputs")}
            value={lifetime}
            options={LIFETIMES.map((one) => [one, t(`files.keptFor.${one}`)] as const)}
            onChange={setLifetime}
          />
        </div>
        {named !== null && named !== endpoint && <p className={styles.warn}>{t("batches.other", { named })}</p>}
        {create.error && <Failure error={create.error} />}
        <div className={styles.actions}>
          <Button type="submit" look="primary" disabled={file === "" || create.isPending}>
            {t("batches.create")}
          </Button>
        </div>
      </form>
    </Card>
  );
}
