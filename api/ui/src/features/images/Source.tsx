import { type DragEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { pictureUrl } from "../../lib/files";
import { Button } from "../../ui/Button";
import { FilePicker } from "../../ui/FilePicker";
import styles from "./Images.module.css";
import type { Role } from "./roles";

interface Props {
  role: Role;
  /** The picture to begin with, as a data URL; null: none yet. */
  image: string | null;
  /** Whether it is shown here; else it is shown elsewhere. */
  isShown: boolean;
  onImage: (image: string | null) => void;
}

/** A picture that goes along: chosen, or dropped here. */
export function Source({ role, image, isShown, onImage }: Props) {
  const { t } = useTranslation();
  const [fault, setFault] = useState<string | null>(null);
  const take = async (file: File | undefined) => {
    if (!file) return;
    const url = await pictureUrl(file);
    setFault(url === null ? t("images.source.fault", { name: file.name }) : null);
    if (url !== null) onImage(url);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    void take(event.dataTransfer.files[0]);
  };
  return (
    <fieldset className={styles.source} onDragOver={(event) => event.preventDefault()} onDrop={drop}>
      <legend>{t(`images.source.title.${role}`)}</legend>
      {image && isShown && <img className={styles.preview} src={image} alt={t(`images.source.alt.${role}`)} />}
      <div className={styles.buttons}>
        <FilePicker
          label={image ? t("images.source.other") : t("images.source.choose")}
          accept="image/*"
          takesOne
          onFiles={([file]) => void take(file)}
        />
        {image && <Button onClick={() => onImage(null)}>{t("images.source.remove")}</Button>}
        {!image && <span className={styles.muted}>{t("images.source.drop")}</span>}
      </div>
      {fault && <p className={styles.fault}>{fault}</p>}
    </fieldset>
  );
}
