import { useTranslation } from "react-i18next";
import type { Model } from "../../api/types";
import { Button } from "../../ui/Button";
import { Fault } from "../../ui/Fault";
import { Columns } from "./Columns";
import { ComparePickers } from "./ComparePickers";
import { Composer } from "./Composer";
import { ContextGauge } from "./ContextGauge";
import { contextOf, does } from "./models";
import { OfflineNote } from "./OfflineNote";
import { RequestCode } from "./RequestCode";
import { SettingsPanel } from "./SettingsPanel";
import { StructurePanel } from "./StructurePanel";
import styles from "./TalkView.module.css";
import { TurnView } from "./TurnView";
import type { Said, Talk } from "./talk";
import { pathTo, placeOf, places, sideBySide } from "./tree";
import { useActs } from "./useActs";
import { useFollow } from "./useFollow";
import { useShown } from "./useTalk";

interface Props {
  talk: Talk;
  /** Those that can chat; undefined while they are asked for. */
  models: readonly Model[] | undefined;
  /** Those that are asked: the first, and those beside it. */
  asked: readonly string[];
  onModels: (asked: readonly string[]) => void;
  /** Something is said for the first time. */
  onBegin: () => void;
}

const NO_CALLS = [] as const;

/** A conversation: what was said, and what can be said. */
export function TalkView({ talk, models, asked, onModels, onBegin }: Props) {
  const { t } = useTranslation();
  const { conversation, running, isKept } = useShown(talk);
  const { follow, isAway } = useFollow(conversation);
  const all = asked.map((model) => ({ model, thinks: does(models, model, "reasoning") }));
  const acts = useActs(talk, all, follow);
  const path = pathTo(conversation.turns, conversation.leaf);
  const columns = sideBySide(conversation, asked);
  const there = places(conversation.turns);
  const [first = { model: "", thinks: false }] = all;
  const chosen = models?.find((one) => one.id === first.model);
  const isRunning = running.size > 0;
  const mayAsk = !isRunning && first.model !== "";
  const kinds = (["image", "audio"] as const).filter((kind) =>
    asked.every((model) => does(models, model, kind === "image" ? "vision" : "audio")),
  );
  const say = (said: Said) => {
    talk.say(conversation.leaf, said, all);
    follow();
    if (conversation.turns.length === 0) onBegin();
  };
  return (
    <>
      <OfflineNote />
      <ComparePickers models={models} asked={asked} onModels={onModels} />
      <SettingsPanel
        settings={conversation.settings}
        thinks={all.some((one) => one.thinks)}
        onChange={(settings) => talk.setSettings(settings)}
      />
      <StructurePanel settings={conversation.settings} onChange={(settings) => talk.setSettings(settings)} />
      {path.length > 0 && <RequestCode conversation={conversation} asked={first} />}
      {!isKept && <Fault title={t("chat.unkept")} message={t("chat.unkeptWhy")} />}
      <div role="log" aria-label={t("chat.log")} aria-busy={isRunning} className={styles.log}>
        {(columns.length > 0 ? path.slice(0, -1) : path).map((turn, at) => (
          <TurnView
            key={turn.id}
            turn={turn}
            isGrowing={running.has(turn.id)}
            mayAsk={mayAsk}
            siblings={(there.get(placeOf(turn)) ?? []).join(" ")}
            isLast={turn.id === conversation.leaf}
            calls={path[at - 1]?.calls ?? NO_CALLS}
            acts={acts}
          />
        ))}
        {columns.length > 0 && (
          <Columns turns={columns} chosen={conversation.leaf} running={running} mayAsk={mayAsk} acts={acts} />
        )}
      </div>
      <div className={styles.foot}>
        {isAway && (
          <Button className={styles.end} onClick={follow}>
            {t("chat.toEnd")}
          </Button>
        )}
        <ContextGauge turn={path.findLast((turn) => turn.usage)} size={contextOf(chosen)} />
        <Composer
          id={conversation.turns.length === 0 ? "new" : conversation.id}
          isRunning={isRunning}
          mayAsk={mayAsk}
          kinds={kinds}
          onSay={say}
          onStop={() => talk.stop()}
        />
      </div>
    </>
  );
}
