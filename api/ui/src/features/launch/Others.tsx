import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";
import type { FieldsProps } from "./fields";
import styles from "./Launch.module.css";
import { TextField } from "./TextField";

interface Props extends FieldsProps {
  names: readonly string[];
  onDrop: (name: string) => void;
}

/** Fields that came with a command and that the form has no place for; the server says what it makes of them. */
export function Others({ names, draft, set, fault, onDrop }: Props) {
  const { t } = useTranslation();
  return (
    <>
      {names.map((name) => (
        <div key={name} className={styles.adapter}>
          <TextField
            label={name}
            value={draft[name] ?? ""}
            fault={fault(name)}
            onChange={(text) => set({ [name]: text })}
          />
          <Button aria-label={t("replica.removeOne", { name })} onClick={() => onDrop(name)}>
            {t("replica.remove")}
          </Button>
        </div>
      ))}
    </>
  );
}
