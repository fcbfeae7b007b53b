import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { contentUrl, type FileObject } from "../../api/files";
import { bytes } from "../../lib/numbers";
import { day, moment } from "../../lib/times";
import styles from "./Files.module.css";
import { PurposeName } from "./PurposeName";

interface Props {
  file: FileObject;
  isChosen: boolean;
  onChoose: (chosen: boolean) => void;
}

/** A file in the list. */
export function FileRow({ file, isChosen, onChoose }: Props) {
  const { t, i18n } = useTranslation();
  const { id, filename: name } = file;
  return (
    <tr>
      <td>
        <input
          type="checkbox"
          className={styles.box}
          aria-label={t("files.chooseOne", { name })}
          checked={isChosen}
          onChange={(event) => onChoose(event.target.checked)}
        />
      </td>
      <td className={styles.name}>
        <Link to="/files/$id" params={{ id }}>
          <bdi>{name}</bdi>
        </Link>
      </td>
      <td>
        <PurposeName purpose={file.purpose} />
      </td>
      <td className={styles.fact}>{bytes(file.bytes, i18n.language)}</td>
      <td className={styles.fact}>{moment(file.created_at * 1000, i18n.language)}</td>
      <td className={styles.fact}>{file.expires_at ? day(file.expires_at * 1000, i18n.language) : t("files.never")}</td>
      <td>
        <a href={contentUrl(id)} download={name} aria-label={t("files.downloadOf", { name })}>
          {t("files.download")}
        </a>
      </td>
    </tr>
  );
}
