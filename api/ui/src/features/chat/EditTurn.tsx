import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";
import { TextArea } from "../../ui/TextArea";

interface Props {
  text: string;
  mayAsk: boolean;
  onSave: (text: string) => void;
  onLeave: () => void;
}

/** Says something otherwise; what was said before stays, on a branch of its own. */
export function EditTurn({ text, mayAsk, onSave, onLeave }: Props) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState(text);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onSave(typed);
      }}
    >
      <TextArea label={t("chat.edited")} isLabelHidden value={typed} onChange={setTyped} autoFocus />
      <Button type="submit" look="primary" disabled={!mayAsk || typed.trim() === ""}>
        {t("chat.send")}
      </Button>{" "}
      <Button onClick={onLeave}>{t("chat.leave")}</Button>
    </form>
  );
}
