import { type KeyboardEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";
import { TextArea } from "../../ui/TextArea";
import styles from "./Composer.module.css";
import { PicturePicker } from "./PicturePicker";
import { Pictures } from "./Pictures";
import { usePictures } from "./usePictures";

interface Props {
  isRunning: boolean;
  mayAsk: boolean;
  /** Whether the model can see. */
  sees: boolean;
  onSay: (text: string, pictures: string[]) => void;
  onStop: () => void;
}

/** Where the next message is written. What is typed stays here, so that a key draws nothing else anew. */
export function Composer({ isRunning, mayAsk, sees, onSay, onStop }: Props) {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const { pictures, fault, add, remove, clear } = usePictures();
  const shown = sees ? pictures : [];
  const isEmpty = text.trim() === "" && shown.length === 0;
  const send = () => {
    if (isEmpty || !mayAsk) return;
    onSay(text, shown);
    setText("");
    clear();
  };
  const pressed = (event: KeyboardEvent) => {
    // While signs are composed, Enter chooses among them.
    if (event.key !== "Enter" || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };
  const taken = (event: { preventDefault: () => void }, files: FileList | undefined) => {
    if (!sees || !files || files.length === 0) return;
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
      onDragOver={(event) => sees && event.preventDefault()}
      onDrop={(event) => taken(event, event.dataTransfer.files)}
      onPaste={(event) => taken(event, event.clipboardData.files)}
    >
      <Pictures urls={shown} onRemove={remove} />
      {fault && <p role="alert">{t("chat.noPicture", { name: fault })}</p>}
      <TextArea
        label={t("chat.message")}
        isLabelHidden
        placeholder={t("chat.hint")}
        value={text}
        onChange={setText}
        onKeyDown={pressed}
      />
      <div className={styles.buttons}>
        {sees && <PicturePicker onFiles={add} />}
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
