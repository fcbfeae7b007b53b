import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { type FileObject, filesQuery } from "../../api/files";
import { keys } from "../../api/queries";
import { moment } from "../../lib/times";
import { Failure } from "../../parts/Failure";
import { UploadBox } from "../../parts/files/UploadBox";
import { Select } from "../../ui/Select";
import styles from "./Batches.module.css";

interface Props {
  file: string;
  onFile: (id: string) => void;
}

/** How many files there are to choose from. */
const MOST = 100;

/** The file of requests: one of those that are there, or one that is uploaded. */
export function InputFile({ file, onFile }: Props) {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const { data, error, refetch } = useQuery(filesQuery({ purpose: "batch" }, MOST));
  const files = data?.data ?? [];
  const isListed = file === "" || files.some(({ id }) => id === file);
  const options = [
    ["", t("batches.pick")],
    ...(isListed ? [] : [[file, file] as const]),
    ...files.map((one) => [one.id, `${one.filename} · ${moment(one.created_at * 1000, i18n.language)}`] as const),
  ] as const;
  const uploaded = async ({ id }: FileObject) => {
    await client.invalidateQueries({ queryKey: [...keys.files, "list"] });
    onFile(id);
  };
  return (
    <>
      {error && <Failure error={error} again={refetch} />}
      <Select label={t("batches.input")} value={file} options={options} onChange={onFile} />
      <details className={styles.upload} open={data?.data.length === 0 || undefined}>
        <summary>{t("batches.orUpload")}</summary>
        <UploadBox purpose="batch" onUploaded={uploaded} />
      </details>
      <p className={styles.muted}>{t("batches.inputHelp")}</p>
    </>
  );
}
