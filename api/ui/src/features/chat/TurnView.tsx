import { memo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Markdown } from "../../markdown/Markdown";
import { Odds } from "../../parts/Odds";
import { Attachments } from "./Attachments";
import { Calls, Results } from "./Calls";
import type { Call, Turn } from "./conversation";
import { EditTurn } from "./EditTurn";
import { Thoughts } from "./Thoughts";
import { type Acts, TurnActions } from "./TurnActions";
import { TurnEnd } from "./TurnEnd";
import styles from "./TurnView.module.css";

export interface TurnProps {
  turn: Turn;
  isGrowing: boolean;
  mayAsk: boolean;
  /** The ids of those in its place, itself among them, with spaces between. */
  siblings: string;
  /** Whether the conversation ends here. */
  isLast: boolean;
  /** What was called that this turn answers. */
  calls: readonly Call[];
  acts: Acts;
}

/** What was said once, and what can be done about it. It is drawn anew only where that has changed. */
export const TurnView = memo(function TurnView(props: TurnProps) {
  const { turn, isGrowing, mayAsk, calls, acts } = props;
  const { t } = useTranslation();
  const [isEdited, setEdited] = useState(false);
  const { role } = turn;
  const who =
    role === "assistant" ? turn.model || t("chat.answer") : t(role === "user" ? "chat.you" : "chat.toolsSaid");
  const save = (text: string) => {
    setEdited(false);
    acts.edit(turn, text);
  };
  return (
    <article className={styles[role]} aria-label={who}>
      <h2 className={styles.who}>{who}</h2>
      <Thoughts text={turn.thoughts} isGrowing={isGrowing && turn.text === ""} />
      <Attachments pictures={turn.pictures} sounds={turn.sounds} />
      {isEdited && <EditTurn text={turn.text} mayAsk={mayAsk} onSave={save} onLeave={() => setEdited(false)} />}
      {!isEdited && role === "user" && <p className={styles.said}>{turn.text}</p>}
      {role === "tool" && <Results results={turn.results} calls={calls} />}
      {role === "assistant" && (
        <>
          <Markdown text={turn.text} growing={isGrowing} />
          <Calls calls={turn.calls} />
          <TurnEnd turn={turn} isGrowing={isGrowing} />
          {!isGrowing && turn.tokens.length > 0 && <Odds tokens={turn.tokens} />}
        </>
      )}
      {!isGrowing && !isEdited && <TurnActions {...props} onEdit={() => setEdited(true)} />}
    </article>
  );
});
