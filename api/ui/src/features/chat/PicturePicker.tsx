import { useRef } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";

/** Chooses pictures among the reader's files. */
export function PicturePicker({ onFiles }: { onFiles: (files: File[]) => void }) {
  const { t } = useTranslation();
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        accept="image/*"
        multiple
        hidden
        aria-label={t("chat.addPictures")}
        onChange={(event) => {
          onFiles([...(event.target.files ?? [])]);
          event.target.value = "";
        }}
      />
      <Button onClick={() => input.current?.click()}>{t("chat.addPictures")}</Button>
    </>
  );
}
