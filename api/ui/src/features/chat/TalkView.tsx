import { useTranslation } from "react-i18next";
import type { Model } from "../../api/types";
import { Failure } from "../../parts/Failure";
import { Fault } from "../../ui/Fault";
import type { usePanel } from "../../ui/usePanel";
import { Columns } from "./Columns";
import { ComparePickers } from "./ComparePickers";
import { Composer } from "./Composer";
import { ContextGauge } from "./ContextGauge";
import { contextOf, does } from "./models";
import { OfflineNote } from "./OfflineNote";
import { Scroller } from "./Scroller";
import { TalkPanel } from "./TalkPanel";
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
  /** Why the models cannot be had. */
  failure: Error | null;
  settings: ReturnType<typeof usePanel>;
  onModels: (asked: readonly string[]) => void;
  /** Something is said for the first time. */
  onBegin: () => void;
}

const NO_CALLS = [] as const;

/** A conversation: what was said, and what can be said. */
export function TalkView({ talk, models, asked, failure, settings, onModels, onBegin }: Props) {
  const { t } = useTranslation();
  const { conversation, running, isKept } = useShown(talk);
  const { follow, ...scroller } = useFollow(conversation);
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
      <div className={styles.talk}>
        <div className={styles.top}>
          <OfflineNote />
          {failure && <Failure error={failure} />}
          <ComparePickers models={models} asked={asked} onModels={onModels} />
          {!isKept && <Fault title={t("chat.unkept")} message={t("chat.unkeptWhy")} />}
        </div>
        <Scroller {...scroller} onEnd={follow} label={t("chat.log")} isBusy={isRunning}>
          {path.length === 0 && <p className={styles.empty}>{t("chat.empty")}</p>}
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
        </Scroller>
        <div className={styles.foot}>
          <Composer
            id={conversation.turns.length === 0 ? "new" : conversation.id}
            isRunning={isRunning}
            mayAsk={mayAsk}
            kinds={kinds}
            onSay={say}
            onStop={() => talk.stop()}
          >
            <ContextGauge turn={path.findLast((turn) => turn.usage)} size={contextOf(chosen)} />
          </Composer>
        </div>
      </div>
      <TalkPanel
        panel={settings}
        conversation={conversation}
        asked={first}
        thinks={all.some((one) => one.thinks)}
        onChange={(changed) => talk.setSettings(changed)}
      />
    </>
  );
}
