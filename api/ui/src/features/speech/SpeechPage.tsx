import { useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { ApiError } from "../../api/errors";
import { keys } from "../../api/queries";
import { Failure } from "../../parts/Failure";
import { FaultOf } from "../../parts/FaultOf";
import { TryForm } from "../../parts/TryForm";
import { useKept } from "../../parts/useKept";
import { useModelFor } from "../../parts/useModelFor";
import { Page } from "../../ui/Page";
import { TextArea } from "../../ui/TextArea";
import { playsLive } from "./liveSound";
import { Manner } from "./Manner";
import { Past } from "./Past";
import { mimeOf, nameOf, requestOf, type Speech, takenUp } from "./request";
import styles from "./SpeechPage.module.css";
import { SpokenCard } from "./SpokenCard";
import { useSpeech } from "./useSpeech";

const route = getRouteApi("/speech");

/** What is refused at its own field. */
const AT_FIELDS = ["input", "speed", "language"];

/** A text that is said. */
export function SpeechPage() {
  const { t, i18n } = useTranslation();
  const navigate = route.useNavigate();
  const client = useQueryClient();
  const able = useModelFor((one) => one.model_ability.includes("text2audio"), route.useSearch().model);
  const [speech, setSpeech] = useKept<Speech>("speech", {
    text: t("speech.sample"),
    voice: "",
    language: "",
    speed: 1,
    format: "mp3",
  });
  const [isLive, setLive] = useKept("speechLive", true);
  const { spoken, isBusy, error, begin, stop } = useSpeech(
    () => void client.invalidateQueries({ queryKey: [...keys.jobs, "list"] }),
  );
  const model = able.models?.find((one) => one.id === able.model);
  const most = model?.max_characters ?? null;
  const count = [...speech.text].length;
  const param = error instanceof ApiError ? error.param : null;
  const faultOf = (name: string) => (param === name ? <FaultOf error={error} /> : null);
  const isTooLong = most !== null && count > most;
  const body = requestOf(able.model, speech);
  const number = (value: number) => value.toLocaleString(i18n.language);
  const choose = (chosen: string) => void navigate({ search: { model: chosen }, replace: true });
  return (
    <Page title={t("nav.page.speech")}>
      {able.error && <Failure error={able.error} />}
      <TryForm
        title={t("speech.title")}
        models={able.models}
        model={able.model}
        onModel={choose}
        action={t("speech.action")}
        isReady={speech.text.trim() !== "" && !isTooLong}
        isBusy={isBusy}
        onAsk={() => void begin(body, speech.format, isLive)}
        onStop={stop}
        error={param && AT_FIELDS.includes(param) ? null : error}
        example={{ path: "audio/speech", body, save: nameOf(speech.format) }}
      >
        <div>
          <TextArea
            label={t("speech.text")}
            value={speech.text}
            fault={isTooLong ? t("speech.tooLong", { most: number(most) }) : faultOf("input")}
            onChange={(text) => setSpeech({ ...speech, text })}
          />
          <p className={styles.count}>
            {most === null
              ? t("speech.count", { count, number: number(count) })
              : t("speech.countOf", { number: number(count), most: number(most) })}
          </p>
        </div>
        <Manner model={model} speech={speech} faultOf={faultOf} onChange={setSpeech} />
        <label className={styles.check}>
          <input type="checkbox" checked={isLive} onChange={(event) => setLive(event.target.checked)} />
          {t("speech.live")}
          {isLive && !playsLive(mimeOf(speech.format)) && (
            <span className={styles.count}>{t("speech.notLive", { format: speech.format.toUpperCase() })}</span>
          )}
        </label>
      </TryForm>
      {spoken && <SpokenCard spoken={spoken} isBusy={isBusy} />}
      <Past
        onAgain={(spokenBy, input) => {
          choose(spokenBy);
          setSpeech(takenUp(input, speech));
        }}
      />
    </Page>
  );
}
