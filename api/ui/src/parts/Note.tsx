import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../ui/Button";
import { Notice } from "../ui/Notice";

/** Says what was done. It takes the focus, for what had it is gone. */
export function Note({ text, onClose }: { text: string; onClose: () => void }) {
  const { t } = useTranslation();
  const note = useRef<HTMLDivElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: each text is told
  useEffect(() => note.current?.focus(), [text]);
  return (
    <Notice ref={note} tabIndex={-1}>
      <p>{text}</p>
      <Button onClick={onClose}>{t("models.close")}</Button>
    </Notice>
  );
}
