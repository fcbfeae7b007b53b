import { useTranslation } from "react-i18next";
import { classes } from "../../lib/classes";
import { Button } from "../../ui/Button";
import styles from "./Columns.module.css";
import type { Turn } from "./conversation";
import type { Acts } from "./TurnActions";
import { TurnView } from "./TurnView";

interface Props {
  turns: readonly Turn[];
  /** The answer that the conversation goes on from. */
  chosen: string | null;
  running: ReadonlySet<string>;
  mayAsk: boolean;
  acts: Acts;
}

const NO_CALLS = [] as const;

/** Answers of several models to one message, side by side. */
export function Columns({ turns, chosen, running, mayAsk, acts }: Props) {
  const { t } = useTranslation();
  return (
    <div className={classes(styles.columns, turns.length === 4 && styles.four)}>
      {turns.map((turn) => {
        const isChosen = turn.id === chosen;
        return (
          <div key={turn.id} className={styles.column}>
            <TurnView
              turn={turn}
              isGrowing={running.has(turn.id)}
              mayAsk={mayAsk}
              siblings={turn.id}
              isLast={isChosen}
              calls={NO_CALLS}
              acts={acts}
            />
            <Button
              aria-pressed={isChosen}
              aria-label={`${t(isChosen ? "chat.chosen" : "chat.choose")}: ${turn.model}`}
              disabled={running.size > 0}
              onClick={() => acts.show(turn.id)}
            >
              {t(isChosen ? "chat.chosen" : "chat.choose")}
            </Button>
          </div>
        );
      })}
    </div>
  );
}
