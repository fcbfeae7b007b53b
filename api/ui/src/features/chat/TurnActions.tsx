import { useTranslation } from "react-i18next";
import { CopyButton } from "../../parts/CopyButton";
import { Button } from "../../ui/Button";
import { Branches } from "./Branches";
import { CallAnswers } from "./CallAnswers";
import type { Result, Turn } from "./conversation";
import { mayGoOn } from "./growing";
import type { TurnProps } from "./TurnView";
import styles from "./TurnView.module.css";

/** What can be done about a turn. They stay the same, so that a turn is not drawn anew for them. */
export interface Acts {
  edit: (turn: Turn, text: string) => void;
  again: (turn: Turn) => void;
  goOn: (turn: Turn) => void;
  give: (turn: Turn, results: readonly Result[]) => void;
  show: (id: string) => void;
}

interface Props extends TurnProps {
  onEdit: () => void;
}

/** The buttons of a turn, and what a tool that it calls is answered with. */
export function TurnActions({ turn, siblings, mayAsk, isLast, acts, onEdit }: Props) {
  const { t } = useTranslation();
  const isAnswer = turn.role === "assistant";
  return (
    <>
      {isLast && turn.calls.length > 0 && turn.end === "tool_calls" && (
        <CallAnswers calls={turn.calls} mayAsk={mayAsk} onGive={(results) => acts.give(turn, results)} />
      )}
      <div className={styles.actions}>
        <Branches id={turn.id} siblings={siblings.split(" ")} onShow={acts.show} />
        {turn.text !== "" && <CopyButton text={turn.text} look="quiet" />}
        {turn.role === "user" && (
          <Button look="quiet" onClick={onEdit}>
            {t("chat.edit")}
          </Button>
        )}
        {isAnswer && isLast && mayGoOn(turn) && (
          <Button disabled={!mayAsk} onClick={() => acts.goOn(turn)}>
            {t("chat.goOn")}
          </Button>
        )}
        {isAnswer && turn.parent !== null && (
          <Button look="quiet" disabled={!mayAsk} onClick={() => acts.again(turn)}>
            {t("chat.again")}
          </Button>
        )}
      </div>
    </>
  );
}
