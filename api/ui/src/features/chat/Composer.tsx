import type { KeyboardEvent, ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { bytes } from "../../lib/numbers";
import { Recorder } from "../../parts/Recorder";
import { Button } from "../../ui/Button";
import { FilePicker } from "../../ui/FilePicker";
import { TextArea } from "../../ui/TextArea";
import { Attachments } from "./Attachments";
import type { Kind } from "./attachments";
import styles from "./Composer.module.css";
import type { Said } from "./talk";
import { useDraft } from "./useDraft";

interface Props {
  /** Of the conversation, under which the draft is kept. */
  id: string;
  isRunning: boolean;
  mayAsk: boolean;
  /** What the model can be shown. */
  kinds: readonly Kind[];
  onSay: (said: Said) => void;
  onStop: () => void;
  /** What stands beside the buttons. */
  children?: ReactNode;
}

/** Where the next message is written. What is typed stays here, so that a key draws nothing else anew. */
export function Composer({ id, isRunning, mayAsk, kinds, onSay, onStop, children }: Props) {
  const { t, i18n } = useTranslation();
  const { draft, fault, smaller, add, remove, clear, setText } = useDraft(id, kinds);
  const said = {
    text: draft.text,
    pictures: kinds.includes("image") ? draft.pictures : [],
    sounds: kinds.includes("audio") ? draft.sounds : [],
  };
  const isEmpty = said.text.trim() === "" && said.pictures.length + said.sounds.length === 0;
  const send = () => {
    if (isEmpty || !mayAsk) return;
    clear();
    onSay(said);
  };
  const pressed = (event: KeyboardEvent) => {
    // While signs are composed, Enter chooses among them.
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };
  const taken = (event: { preventDefault: () => void }, files: FileList | undefined) => {
    if (kinds.length === 0 || !files || files.length === 0) return;
    event.preventDefault();
    void add([...files]);
  };
  return (
    <form
      className={styles.composer}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
      onDragOver={(event) => kinds.length > 0 && event.preventDefault()}
      onDrop={(event) => taken(event, event.dataTransfer.files)}
      onPaste={(event) => taken(event, event.clipboardData.files)}
    >
      <Attachments pictures={said.pictures} sounds={said.sounds} onRemove={remove} />
      {fault && <p role="alert">{t(kinds.includes("audio") ? "chat.noFile" : "chat.noPicture", { name: fault })}</p>}
      {smaller.map(({ name, width, height, bytes: size }) => (
        <p key={name} className={styles.note}>
          {t("chat.smaller", { name, width, height, size: bytes(size, i18n.language) })}
        </p>
      ))}
      <TextArea
        label={t("chat.message")}
        isLabelHidden
        placeholder={t("chat.hint")}
        value={draft.text}
        onChange={setText}
        onKeyDown={pressed}
      />
      <div className={styles.buttons}>
        {children}
        {kinds.includes("image") && <FilePicker label={t("chat.addPictures")} accept="image/*" onFiles={add} />}
        {kinds.includes("audio") && <FilePicker label={t("chat.addSounds")} accept="audio/*" onFiles={add} />}
        {kinds.includes("audio") && <Recorder onRecorded={(file) => void add([file])} />}
        {isRunning ? (
          <Button look="danger" onClick={onStop}>
            {t("chat.stop")}
          </Button>
        ) : (
          <Button type="submit" look="primary" disabled={isEmpty || !mayAsk}>
            {t("chat.send")}
          </Button>
        )}
      </div>
    </form>
  );
}
