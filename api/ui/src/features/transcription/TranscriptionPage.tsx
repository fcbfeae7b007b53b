import { getRouteApi } from "@tanstack/react-router";
import { useCallback, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "../../api/errors";
import { fieldsOf, pathOf } from "../../api/transcripts";
import { Failure } from "../../parts/Failure";
import { FaultOf } from "../../parts/FaultOf";
import { Leaving } from "../../parts/Leaving";
import { TryForm } from "../../parts/TryForm";
import { useKept } from "../../parts/useKept";
import { useModelFor } from "../../parts/useModelFor";
import { Page } from "../../ui/Page";
import { AnswerCard } from "./AnswerCard";
import { LanguageField } from "./LanguageField";
import { certain } from "./languages";
import { SourceField } from "./SourceField";
import styles from "./TranscriptionPage.module.css";
import { useTranscript } from "./useTranscript";

const route = getRouteApi("/transcription");

/** What is said in a recording, written down. */
export function TranscriptionPage() {
  const { t } = useTranslation();
  const navigate = route.useNavigate();
  const able = useModelFor((one) => one.model_ability.includes("audio2text"), route.useSearch().model);
  const [file, setFile] = useKept<File | null>("file", null);
  const [isMade, setMade] = useKept("isMade", false);
  const [typed, setLanguage] = useState("");
  const [isWanted, setWanted] = useState(false);
  const player = useRef<HTMLAudioElement>(null);
  const [length, setLength] = useState(0);
  const [time, setTime] = useState(0);
  const { transcript, isBusy, error, begin, stop } = useTranscript();

  const model = able.models?.find((one) => one.id === able.model);
  const known = certain(model?.model_lang ?? undefined);
  const mayTranslate = model?.translates ?? model?.model_type === "audio";
  const language = known && !known.includes(typed) ? "" : typed.trim();
  const asked = { model: able.model, language, isTranslated: isWanted && mayTranslate };
  const param = error instanceof ApiError ? error.param : null;
  const take = (one: File, made = false) => {
    setLength(0);
    setMade(made);
    setFile(one);
  };
  const play = useCallback((seconds: number) => {
    if (!player.current) return;
    player.current.currentTime = seconds;
    void player.current.play().catch(() => undefined); // what cannot be played says so in its own place
  }, []);
  const isAboutLanguage = param === "language" && !known;
  return (
    <Page title={t("nav.page.transcription")}>
      <Leaving when={isBusy} unload={isMade || transcript.segments.length > 0} text={t("leaving.transcript")} />
      {able.error && <Failure error={able.error} />}
      <TryForm
        title={t("transcription.title")}
        models={able.models}
        model={able.model}
        onModel={(chosen) => void navigate({ search: { model: chosen }, replace: true })}
        action={t(asked.isTranslated ? "transcription.translate" : "transcription.action")}
        isReady={file !== null}
        isBusy={isBusy}
        onAsk={() => file && void begin({ ...asked, file })}
        onStop={stop}
        error={isAboutLanguage ? null : error}
        example={{
          path: pathOf(asked),
          body: fieldsOf(asked),
          upload: file && /^[\w.-]+$/.test(file.name) ? file.name : "speech.mp3",
          call: `${pathOf(asked).replace("/", ".")}.create`,
          print: "answer.text",
        }}
      >
        <SourceField file={file} onFile={take} player={player} onLength={setLength} onTime={setTime} />
        {!asked.isTranslated && (
          <div className={styles.language}>
            <LanguageField
              known={known}
              language={typed}
              fault={isAboutLanguage && <FaultOf error={error} />}
              onChange={setLanguage}
            />
          </div>
        )}
        {mayTranslate && (
          <label className={styles.check}>
            <input type="checkbox" checked={isWanted} onChange={(event) => setWanted(event.target.checked)} />
            {t("transcription.intoEnglish")}
          </label>
        )}
      </TryForm>
      {transcript.of && (
        <AnswerCard
          transcript={transcript}
          isBusy={isBusy}
          length={transcript.of === file ? length : 0}
          time={time}
          onPlay={transcript.of === file ? play : null}
        />
      )}
    </Page>
  );
}
