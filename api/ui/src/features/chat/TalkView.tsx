import { useTranslation } from "react-i18next";
import type { Model } from "../../api/types";
import { ModelPicker } from "../../parts/ModelPicker";
import { Fault } from "../../ui/Fault";
import { Composer } from "./Composer";
import { ContextGauge } from "./ContextGauge";
import { contextOf } from "./models";
import { SettingsPanel } from "./SettingsPanel";
import styles from "./TalkView.module.css";
import { TurnView } from "./TurnView";
import type { Talk } from "./talk";
import { branches, pathTo } from "./tree";
import { useFollow } from "./useFollow";
import { useShown } from "./useTalk";

interface Props {
  talk: Talk;
  /** Those that can chat; undefined while they are asked for. */
  models: readonly Model[] | undefined;
  model: string;
  onModel: (model: string) => void;
  /** Something is said for the first time. */
  onBegin: () => void;
}

/** A conversation: what was said, and what can be said. */
export function TalkView({ talk, models, model, onModel, onBegin }: Props) {
  const { t } = useTranslation();
  const { conversation, running, isKept } = useShown(talk);
  const path = pathTo(conversation.turns, conversation.leaf);
  const chosen = models?.find((one) => one.id === model);
  const follow = useFollow(conversation);
  const say = (parent: string | null, text: string, pictures: string[]) => {
    follow();
    talk.say(parent, text, pictures, model);
    if (conversation.turns.length === 0) onBegin();
  };
  const again = (parent: string) => {
    follow();
    void talk.answer(parent, model);
  };
  const mayAsk = running === null && model !== "";
  return (
    <>
      <ModelPicker models={models} model={model} onModel={onModel} />
      <SettingsPanel settings={conversation.settings} onChange={(settings) => talk.setSettings(settings)} />
      {!isKept && <Fault title={t("chat.unkept")} message={t("chat.unkeptWhy")} />}
      <div role="log" aria-label={t("chat.log")} aria-busy={running !== null} className={styles.log}>
        {path.map((turn) => (
          <TurnView
            key={turn.id}
            turn={turn}
            isGrowing={turn.id === running}
            mayAsk={mayAsk}
            siblings={branches(conversation.turns, turn).join(" ")}
            talk={talk}
            onEdit={say}
            onAgain={again}
          />
        ))}
      </div>
      <div className={styles.foot}>
        <ContextGauge turn={path.findLast((turn) => turn.usage)} size={contextOf(chosen)} />
        <Composer
          isRunning={running !== null}
          mayAsk={mayAsk}
          sees={chosen?.model_ability.includes("vision") ?? false}
          onSay={(text, pictures) => say(conversation.leaf, text, pictures)}
          onStop={() => talk.stop()}
        />
      </div>
    </>
  );
}
