import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import styles from "./Mask.module.css";
import { type Box, boxOf } from "./mask";
import type { Size } from "./useMask";

const SIDES = ["x", "y", "width", "height"] as const;

interface Props {
  size: Size;
  erases: boolean;
  onBox: (box: Box) => void;
}

/** A rectangle by its numbers, for whoever has no pointer, or wants it exact. */
export function MaskBox({ size, erases, onBox }: Props) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState({ x: "0", y: "0", width: String(size.width), height: String(size.height) });
  const box = boxOf(typed, size);
  return (
    <details className={styles.box}>
      <summary>{t("images.mask.rectangle")}</summary>
      <div className={styles.numbers}>
        {SIDES.map((side) => (
          <Field key={side} label={t(`images.mask.side.${side}`)}>
            <Input
              inputMode="numeric"
              autoComplete="off"
              value={typed[side]}
              onChange={(event) => setTyped({ ...typed, [side]: event.target.value })}
            />
          </Field>
        ))}
      </div>
      <div className={styles.buttons}>
        <Button aria-disabled={!box} onClick={() => box && onBox(box)}>
          {erases ? t("images.mask.eraseBox") : t("images.mask.paintBox")}
        </Button>
        <span className={styles.muted}>
          {box ? t("images.mask.of", { width: size.width, height: size.height }) : t("images.mask.outside")}
        </span>
      </div>
    </details>
  );
}
