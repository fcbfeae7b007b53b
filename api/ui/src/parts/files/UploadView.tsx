import { useTranslation } from "react-i18next";
import { bytes } from "../../lib/numbers";
import { Button } from "../../ui/Button";
import { Failure } from "../Failure";
import styles from "./UploadBox.module.css";
import type { Upload } from "./useUploads";

interface Props {
  upload: Upload;
  onAgain: () => void;
  onDrop: () => void;
}

/** How far a file is; or why the server did not take it, and the way to try again. */
export function UploadView({ upload: { file, share, error }, onAgain, onDrop }: Props) {
  const { t, i18n } = useTranslation();
  const size = (count: number) => bytes(count, i18n.language);
  const far = { name: file.name, sent: size(share * file.size), total: size(file.size) };
  return (
    <li className={styles.upload}>
      <div className={styles.head}>
        <span>{error ? file.name : share < 1 ? t("files.sent", far) : t("files.storing", { name: file.name })}</span>
        <Button onClick={onDrop} aria-label={t(error ? "files.forgetOf" : "files.stopOf", { name: file.name })}>
          {error ? t("files.forget") : t("files.stop")}
        </Button>
      </div>
      {error ? (
        <Failure error={error} again={onAgain} />
      ) : (
        <progress
          className={styles.progress}
          max={1}
          value={share}
          aria-label={t("files.progressOf", { name: file.name })}
        />
      )}
    </li>
  );
}
