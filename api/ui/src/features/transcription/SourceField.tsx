import { type DragEvent, type Ref, useState } from "react";
import { useTranslation } from "react-i18next";
import { classes } from "../../lib/classes";
import { bytes } from "../../lib/numbers";
import { Player } from "../../parts/Player";
import { Recorder } from "../../parts/Recorder";
import { FilePicker } from "../../ui/FilePicker";
import styles from "./SourceField.module.css";

interface Props {
  file: File | null;
  /** `isMade`: whether it was made here, and lies nowhere else. */
  onFile: (file: File, isMade?: boolean) => void;
  player: Ref<HTMLAudioElement>;
  onLength: (seconds: number) => void;
  onTime: (seconds: number) => void;
}

/** The recording: a file that is chosen or dropped, or one that is made here. It can be listened to. */
export function SourceField({ file, onFile, player, onLength, onTime }: Props) {
  const { t, i18n } = useTranslation();
  const [isOver, setOver] = useState(false);
  const dropped = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const [first] = event.dataTransfer.files;
    if (first) onFile(first);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: what is dropped here can be chosen with the button as well
    <div
      className={classes(styles.source, isOver && styles.over)}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={dropped}
    >
      <div className={styles.ways}>
        <FilePicker
          label={t("transcription.choose")}
          accept="audio/*,video/*"
          onFiles={([first]) => first && onFile(first)}
        />
        <Recorder onRecorded={(made) => onFile(made, true)} />
        <span className={styles.hint}>{t("transcription.drop")}</span>
      </div>
      {file ? (
        <>
          <p className={styles.file}>
            <strong>{file.name}</strong> <span className={styles.hint}>{bytes(file.size, i18n.language)}</span>
          </p>
          <Player sound={file} name={file.name} ref={player} onLength={onLength} onTime={onTime} />
        </>
      ) : (
        <p className={styles.hint}>{t("transcription.formats")}</p>
      )}
    </div>
  );
}
