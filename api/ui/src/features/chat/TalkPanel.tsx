import { useTranslation } from "react-i18next";
import { SidePanel } from "../../ui/SidePanel";
import type { usePanel } from "../../ui/usePanel";
import type { Conversation, Settings } from "./conversation";
import { RequestCode } from "./RequestCode";
import type { Asked } from "./request";
import { SettingsPanel } from "./SettingsPanel";
import { StructurePanel } from "./StructurePanel";

interface Props {
  panel: ReturnType<typeof usePanel>;
  conversation: Conversation;
  asked: Asked;
  /** Whether any model that is asked has thoughts to switch on and off. */
  thinks: boolean;
  onChange: (settings: Settings) => void;
}

/** What a conversation is asked with, and its last request as a program, at the side. */
export function TalkPanel({ panel, conversation, asked, thinks, onChange }: Props) {
  const { t } = useTranslation();
  return (
    <SidePanel label={t("chat.panel")} close={t("chat.close")} side="end" {...panel}>
      <SettingsPanel settings={conversation.settings} thinks={thinks} onChange={onChange} />
      <StructurePanel settings={conversation.settings} onChange={onChange} />
      {conversation.turns.length > 0 && <RequestCode conversation={conversation} asked={asked} />}
    </SidePanel>
  );
}
