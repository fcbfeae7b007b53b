import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";
import styles from "./Attachments.module.css";
import { Sound } from "./Sound";

interface Props {
  pictures: readonly string[];
  sounds: readonly string[];
  onRemove?: (url: string) => void;
}

/** Pictures and sounds of a message. */
export function Attachments({ pictures, sounds, onRemove }: Props) {
  const { t } = useTranslation();
  if (pictures.length + sounds.length === 0) return null;
  const items = [
    ...pictures.map((url, at) => ({ url, name: t("chat.picture", { number: at + 1 }), isSound: false })),
    ...sounds.map((url, at) => ({ url, name: t("chat.sound", { number: at + 1 }), isSound: true })),
  ];
  return (
    <ul className={styles.attachments}>
      {items.map(({ url, name, isSound }) => (
        <li key={name}>
          {isSound ? <Sound url={url} name={name} /> : <img src={url} alt={name} />}
          {onRemove && (
            <Button onClick={() => onRemove(url)} aria-label={t("chat.removeThis", { name })}>
              {t("chat.remove")}
            </Button>
          )}
        </li>
      ))}
    </ul>
  );
}
