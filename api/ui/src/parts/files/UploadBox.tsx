import { type DragEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { type FileObject, PURPOSES, type Purpose } from "../../api/files";
import { classes } from "../../lib/classes";
import { FilePicker } from "../../ui/FilePicker";
import { Select } from "../../ui/Select";
import { Leaving } from "../Leaving";
import styles from "./UploadBox.module.css";
import { UploadView } from "./UploadView";
import { useUploads } from "./useUploads";

interface Props {
  /** What the files are for, where that is not to be chosen. */
  purpose?: Purpose;
  onUploaded: (file: FileObject) => unknown;
}

const LIFETIMES = ["default", "3600", "86400", "604800", "2592000"] as const;

/** Takes files by drop or from a dialogue, and uploads them while one sees how far they are. */
export function UploadBox({ purpose: fixed, onUploaded }: Props) {
  const { t } = useTranslation();
  const [chosen, setChosen] = useState<Purpose>("batch");
  const [lifetime, setLifetime] = useState<(typeof LIFETIMES)[number]>("default");
  const [isOver, setOver] = useState(false);
  const { all, begin, again, drop } = useUploads(onUploaded);
  const purpose = fixed ?? chosen;
  const add = (files: readonly File[]) =>
    begin(files, { purpose, seconds: lifetime === "default" ? null : Number(lifetime) });
  const over = (event: DragEvent, isIn: boolean) => {
    event.preventDefault();
    setOver(isIn);
  };
  return (
    <div className={styles.box}>
      <div className={styles.terms}>
        {!fixed && (
          <Select
            label={t("files.purpose")}
            value={chosen}
            options={PURPOSES.map((one) => [one, t(`files.for.${one}`)] as const)}
            onChange={setChosen}
          />
        )}
        <Select
          label={t("files.lifetime")}
          value={lifetime}
          options={LIFETIMES.map((one) => [one, t(`files.keptFor.${one}`)] as const)}
          onChange={setLifetime}
        />
      </div>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the button in it does the same with the keyboard */}
      <div
        className={classes(styles.drop, isOver && styles.over)}
        onDragOver={(event) => over(event, true)}
        onDragLeave={(event) => over(event, false)}
        onDrop={(event) => {
          over(event, false);
          add([...event.dataTransfer.files]);
        }}
      >
        <p>{t("files.dropHere")}</p>
        <FilePicker label={t("files.choose")} onFiles={add} />
      </div>
      <Leaving when={all.some(({ error }) => !error)} text={t("leaving.uploads")} />
      {all.length > 0 && (
        <ul className={styles.list} aria-label={t("files.uploads")}>
          {all.map((upload) => (
            <UploadView key={upload.key} upload={upload} onAgain={() => again(upload)} onDrop={() => drop(upload)} />
          ))}
        </ul>
      )}
    </div>
  );
}
