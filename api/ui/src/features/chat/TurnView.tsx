import { memo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Markdown } from "../../markdown/Markdown";
import { Button } from "../../ui/Button";
import { Branches } from "./Branches";
import { CopyButton } from "./CopyButton";
import type { Turn } from "./conversation";
import { EditTurn } from "./EditTurn";
import { Pictures } from "./Pictures";
import { Thoughts } from "./Thoughts";
import { TurnEnd } from "./TurnEnd";
import styles from "./TurnView.module.css";
import type { Talk } from "./talk";

interface Props {
  turn: Turn;
  isGrowing: boolean;
  mayAsk: boolean;
  /** The ids of those in its place, itself among them, with spaces between. */
  siblings: string;
  talk: Talk;
  onEdit: (parent: string | null, text: string, pictures: string[]) => void;
  onAgain: (parent: string) => void;
}

/** What was said once, and what can be done about it. It is drawn anew only where that has changed. */
export const TurnView = memo(
  function TurnView({ turn, isGrowing, mayAsk, siblings, talk, onEdit, onAgain }: Props) {
    const { t } = useTranslation();
    const [isEdited, setEdited] = useState(false);
    const { role, parent } = turn;
    const who = role === "user" ? t("chat.you") : turn.model;
    const save = (text: string) => {
      setEdited(false);
      onEdit(parent, text, turn.pictures);
    };
    return (
      <article className={styles[role]} aria-label={who}>
        <h2 className={styles.who}>{who}</h2>
        <Thoughts text={turn.thoughts} isGrowing={isGrowing && turn.text === ""} />
        <Pictures urls={turn.pictures} />
        {isEdited && <EditTurn text={turn.text} mayAsk={mayAsk} onSave={save} onLeave={() => setEdited(false)} />}
        {!isEdited && role === "user" && <p className={styles.said}>{turn.text}</p>}
        {role === "assistant" && <Markdown text={turn.text} growing={isGrowing} />}
        {role === "assistant" && <TurnEnd turn={turn} isGrowing={isGrowing} />}
        {!isGrowing && !isEdited && (
          <div className={styles.actions}>
            <Branches id={turn.id} siblings={siblings.split(" ")} onShow={(id) => talk.showBranch(id)} />
            <CopyButton text={turn.text} />
            {role === "user" && <Button onClick={() => setEdited(true)}>{t("chat.edit")}</Button>}
            {role === "assistant" && parent !== null && (
              <Button disabled={!mayAsk} onClick={() => onAgain(parent)}>
                {t("chat.again")}
              </Button>
            )}
          </div>
        )}
      </article>
    );
  },
  (before, after) =>
    before.turn === after.turn &&
    before.isGrowing === after.isGrowing &&
    before.mayAsk === after.mayAsk &&
    before.siblings === after.siblings &&
    before.talk === after.talk,
);
