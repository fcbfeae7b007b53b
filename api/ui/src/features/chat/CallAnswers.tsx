import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Button } from "../../ui/Button";
import { TextArea } from "../../ui/TextArea";
import styles from "./Calls.module.css";
import type { Call, Result } from "./conversation";

interface Props {
  calls: readonly Call[];
  mayAsk: boolean;
  onGive: (results: Result[]) => void;
}

/** Where one says what the tools answer, so that the conversation goes on. */
export function CallAnswers({ calls, mayAsk, onGive }: Props) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState<Record<string, string>>({});
  const isWhole = calls.every((call) => (typed[call.id] ?? "").trim() !== "");
  return (
    <form
      className={styles.answers}
      onSubmit={(event) => {
        event.preventDefault();
        if (isWhole && mayAsk) onGive(calls.map(({ id }) => ({ id, text: typed[id] ?? "" })));
      }}
    >
      {calls.map((call, at) => (
        <TextArea
          key={call.id}
          label={t("chat.callAnswer", { name: call.name, number: at + 1 })}
          value={typed[call.id] ?? ""}
          onChange={(text) => setTyped((before) => ({ ...before, [call.id]: text }))}
        />
      ))}
      <Button type="submit" look="primary" disabled={!isWhole || !mayAsk}>
        {t("chat.giveAnswers")}
      </Button>
    </form>
  );
}
