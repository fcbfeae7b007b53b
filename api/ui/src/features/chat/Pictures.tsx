import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";
import styles from "./Pictures.module.css";

interface Props {
  urls: readonly string[];
  onRemove?: (at: number) => void;
}

/** Pictures of a message. */
export function Pictures({ urls, onRemove }: Props) {
  const { t } = useTranslation();
  if (urls.length === 0) return null;
  return (
    <ul className={styles.pictures}>
      {urls.map((url, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: one picture may be there twice
        <li key={`${at} ${url.length}`}>
          <img src={url} alt={t("chat.picture", { number: at + 1 })} />
          {onRemove && (
            <Button onClick={() => onRemove(at)} aria-label={t("chat.removePicture", { number: at + 1 })}>
              {t("chat.remove")}
            </Button>
          )}
        </li>
      ))}
    </ul>
  );
}
