import { type Ref, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import styles from "./Player.module.css";

interface Props {
  sound: Blob;
  name: string;
  ref?: Ref<HTMLAudioElement>;
  /** Told how long it is, in seconds, once that is known. */
  onLength?: (seconds: number) => void;
  /** Told where in the sound it plays, in seconds. */
  onTime?: (seconds: number) => void;
}

/** A sound to listen to. It gets an address of its own, since the page's policy lets no data URL sound. */
export function Player({ sound, name, ref, onLength, onTime }: Props) {
  const { t } = useTranslation();
  const [address, setAddress] = useState<string>();
  const [isUnplayable, setUnplayable] = useState(false);
  useEffect(() => {
    const made = URL.createObjectURL(sound);
    setAddress(made);
    setUnplayable(false);
    return () => URL.revokeObjectURL(made);
  }, [sound]);
  return (
    <>
      {/* biome-ignore lint/a11y/useMediaCaption: what was said in it is not known */}
      <audio
        ref={ref}
        className={styles.player}
        controls
        src={address}
        aria-label={name}
        onLoadedMetadata={({ currentTarget }) => {
          // What a browser has recorded does not say how long it is, until its end was seen.
          if (currentTarget.duration === Number.POSITIVE_INFINITY) currentTarget.currentTime = Number.MAX_SAFE_INTEGER;
        }}
        onDurationChange={({ currentTarget }) => {
          if (!Number.isFinite(currentTarget.duration)) return;
          if (currentTarget.paused) currentTarget.currentTime = 0;
          onLength?.(currentTarget.duration);
        }}
        onTimeUpdate={({ currentTarget }) => onTime?.(currentTarget.currentTime)}
        onError={() => address && setUnplayable(true)}
      />
      {isUnplayable && <p className={styles.unplayable}>{t("recorder.unplayable")}</p>}
    </>
  );
}
