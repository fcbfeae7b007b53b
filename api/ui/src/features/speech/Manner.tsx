import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useId } from "react";
import { useTranslation } from "react-i18next";
import { voicesQuery } from "../../api/speech";
import type { Model } from "../../api/types";
import { decimal } from "../../lib/numbers";
import { Field } from "../../ui/Field";
import { Input } from "../../ui/Input";
import { Select } from "../../ui/Select";
import { Audition } from "./Audition";
import { FORMATS, requestOf, type Speech, trialOf } from "./request";
import styles from "./SpeechPage.module.css";

/** Speeds that are offered where the model does not tell its own. */
const SPEEDS = [0.5, 2] as const;

interface Props {
  model: Model | undefined;
  speech: Speech;
  /** What is wrong with a field. */
  faultOf: (name: "speed" | "language") => ReactNode;
  onChange: (speech: Speech) => void;
}

/** In which voice, how fast and in what form a text is said. */
export function Manner({ model, speech, faultOf, onChange }: Props) {
  const { t, i18n } = useTranslation();
  const id = useId();
  const fault = faultOf("speed");
  const { data } = useQuery(voicesQuery(model?.id ?? "", model?.state));
  const voices = data?.voices.map((one) => one.id) ?? [];
  const [own] = voices;
  const names = voices.map((one) => [one === own ? "" : one, one] as const);
  const isKnown = speech.voice === "" || voices.includes(speech.voice);
  const options = names.length > 0 ? names : [["", "default"] as const];
  const all = isKnown ? options : [...options, [speech.voice, speech.voice] as const];
  const [slowest = SPEEDS[0], fastest = SPEEDS[1]] = model?.speeds ?? [];
  return (
    <div className={styles.manner}>
      <div className={styles.voice}>
        <Select
          label={t("speech.voice")}
          value={speech.voice === own ? "" : speech.voice}
          options={all}
          onChange={(voice) => onChange({ ...speech, voice })}
        />
        <Audition body={requestOf(model?.id ?? "", { ...speech, text: trialOf(speech.text), format: "mp3" })} />
      </div>
      <Field label={t("speech.language")} help={t("speech.languageHelp")} fault={faultOf("language")}>
        <Input
          value={speech.language}
          maxLength={40}
          autoComplete="off"
          onChange={(event) => onChange({ ...speech, language: event.target.value })}
        />
      </Field>
      <div className={styles.range}>
        <label htmlFor={id}>{t("speech.speed", { speed: decimal(speech.speed, i18n.language, 2) })}</label>
        <input
          id={id}
          type="range"
          min={slowest}
          max={fastest}
          step={0.05}
          value={speech.speed}
          aria-describedby={fault ? `${id}fault` : undefined}
          onChange={(event) => onChange({ ...speech, speed: Number(event.target.value) })}
        />
        {fault && <p id={`${id}fault`}>{fault}</p>}
      </div>
      <Select
        label={t("speech.format")}
        value={speech.format}
        options={FORMATS.map((one) => [one, t(`speech.formats.${one}`)] as const)}
        onChange={(format) => onChange({ ...speech, format })}
      />
    </div>
  );
}
