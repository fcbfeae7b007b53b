import { useTranslation } from "react-i18next";
import type { Segment } from "../../api/transcripts";
import { save } from "../../lib/saving";
import { CopyButton } from "../../parts/CopyButton";
import { Button } from "../../ui/Button";
import styles from "./Downloads.module.css";
import { fileOf, formatsOf, written } from "./files";

/** What a transcript can be kept as: copied, or a file beside the recording's name. */
export function Downloads({ segments, of }: { segments: readonly Segment[]; of: File }) {
  const { t } = useTranslation();
  const name = of.name.replace(/\.[^.]*$/, "") || "transcript";
  return (
    <div className={styles.downloads}>
      <CopyButton text={written(segments, "txt").trim()} what={t("transcription.answer")} />
      <span className={styles.label}>{t("transcription.keep")}</span>
      {formatsOf(segments).map((format) => (
        <Button
          key={format}
          aria-label={t("transcription.keepAs", { format: format.toUpperCase() })}
          onClick={() => save(fileOf(segments, format), `${name}.${format}`)}
        >
          {format.toUpperCase()}
        </Button>
      ))}
    </div>
  );
}
